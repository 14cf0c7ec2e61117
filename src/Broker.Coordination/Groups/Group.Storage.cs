namespace Broker.Coordination;

/// <content>What of the group goes to the log and comes back from it; offset commits.</content>
internal sealed partial class Group
{
    private GroupMetadataRecord Snapshot(Dictionary<string, byte[]>? assignments = null)
    {
        var members = new MemberSnapshot[_members.Count];
        int i = 0;
        foreach (GroupMember member in _members.Values)
        {
            byte[] assignment = assignments is null ? member.Assignment : assignments.GetValueOrDefault(member.Id) ?? [];
            members[i++] = new MemberSnapshot(
                member.Id, member.InstanceId, member.ClientId, member.ClientHost, member.RebalanceTimeoutMs, member.SessionTimeoutMs,
                member.MetadataOf(ProtocolName), assignment);
        }
        return new GroupMetadataRecord(Id, new GroupSnapshot(ProtocolType ?? "", Generation, ProtocolName, LeaderId, StateTimestampMs, members));
    }

    /// <summary>The group's tombstone was read from the log: what may still come are offsets.</summary>
    public void Forget()
    {
        _members.Clear();
        _staticMembers.Clear();
        _supporters.Clear();
        _subscribedTopics = null;
        LeaderId = null;
        ProtocolType = null;
        ProtocolName = null;
        Generation = 0;
        State = GroupState.Empty;
        StateTimestampMs = -1;
    }

    /// <summary>Takes over a generation read from the log.</summary>
    public void Restore(GroupSnapshot snapshot)
    {
        Forget();
        ProtocolType = snapshot.ProtocolType;
        Generation = snapshot.Generation;
        ProtocolName = snapshot.ProtocolName;
        foreach (MemberSnapshot member in snapshot.Members)
        {
            if (_members.ContainsKey(member.MemberId) || (member.InstanceId is not null && _staticMembers.ContainsKey(member.InstanceId)))
            {
                continue;
            }
            AddMember(new GroupMember
            {
                Id = member.MemberId,
                InstanceId = member.InstanceId,
                ClientId = member.ClientId,
                ClientHost = member.ClientHost,
                RebalanceTimeoutMs = member.RebalanceTimeoutMs < 0 ? member.SessionTimeoutMs : member.RebalanceTimeoutMs,
                SessionTimeoutMs = member.SessionTimeoutMs,
                Protocols = [new JoinProtocol(snapshot.ProtocolName ?? "", member.Subscription)],
                Assignment = member.Assignment,
            });
        }
        if (snapshot.Leader is not null && _members.ContainsKey(snapshot.Leader))
        {
            LeaderId = snapshot.Leader;
        }
        State = _members.Count == 0 ? GroupState.Empty : GroupState.Stable;
        StateTimestampMs = snapshot.StateTimestampMs;
        ComputeSubscribedTopics();
    }

    /// <summary>Loading is over: sessions begin, and a group that the limit no longer allows rebalances.</summary>
    public void OnLoaded(Moment now, Effects effects)
    {
        if (_members.Count > _settings.MaxSize)
        {
            MaybePrepareRebalance($"loaded with {_members.Count} members, more than group.max.size {_settings.MaxSize}", now, effects);
        }
        foreach (GroupMember member in _members.Values)
        {
            SetSessionDeadline(member, now.MonotonicMs + member.SessionTimeoutMs);
        }
    }

    public void Commit(CommitInput commit, Call<CommitResult> call, Moment now, Effects effects)
    {
        ErrorCode error = CheckCommit(commit);
        if (error != ErrorCode.None)
        {
            effects.Answer(call, CommitResult.All(error, commit.Entries.Length));
            return;
        }
        if (_members.TryGetValue(commit.MemberId, out GroupMember? member))
        {
            // A consumer that commits is alive; in PreparingRebalance it learns of the rebalance by its next heartbeat.
            SetSessionDeadline(member, now.MonotonicMs + member.SessionTimeoutMs);
        }
        StoreOffsets(commit.Entries, commit.Producer, call, effects);
    }

    private ErrorCode CheckCommit(CommitInput commit)
    {
        if (State == GroupState.Dead)
        {
            return ErrorCode.CoordinatorNotAvailable;
        }
        if (commit.Producer is not null)
        {
            // A producer that names no member is fenced by its epoch alone; one that names a member by the group as well, whatever state that is in.
            bool namesMember = commit.Generation >= 0 || commit.MemberId.Length > 0 || commit.InstanceId is not null;
            ErrorCode refusal = namesMember ? CheckMember(commit.MemberId, commit.InstanceId) : ErrorCode.None;
            return refusal == ErrorCode.None && namesMember && commit.Generation != Generation ? ErrorCode.IllegalGeneration : refusal;
        }
        if (commit.Generation < 0 && State == GroupState.Empty)
        {
            // An administrator, or a consumer that assigns its partitions itself.
            return ErrorCode.None;
        }
        ErrorCode error = CheckMember(commit.MemberId, commit.InstanceId);
        if (error != ErrorCode.None)
        {
            return error;
        }
        if (commit.Generation != Generation)
        {
            return ErrorCode.IllegalGeneration;
        }
        return State == GroupState.CompletingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
    }

    private void StoreOffsets(CommitEntry[] entries, TransactionalProducer? producer, Call<CommitResult> call, Effects effects)
    {
        var errors = new ErrorCode[entries.Length];
        var records = new List<GroupRecord>(entries.Length);
        for (int i = 0; i < entries.Length; i++)
        {
            CommitEntry entry = entries[i];
            if (entry.Offset.Metadata.Length > _settings.OffsetMetadataMaxBytes)
            {
                errors[i] = ErrorCode.OffsetMetadataTooLarge;
                continue;
            }
            var partition = new TopicPartition(entry.Topic, entry.Partition);
            Offsets.BeginCommit(partition);
            records.Add(new OffsetRecord(Id, partition, entry.Offset));
        }
        if (records.Count == 0)
        {
            effects.Answer(call, new CommitResult(errors));
            return;
        }
        PendingTransaction? pending = producer is null ? null : Offsets.BeginTransactional(producer.ProducerId);
        effects.Append(records, (error, _, fx) =>
        {
            ErrorCode outcome = error == ErrorCode.None ? error : AppendErrors.ForCommit(error);
            foreach (GroupRecord record in records)
            {
                var commit = (OffsetRecord)record;
                Offsets.EndCommit(commit.Partition, error == ErrorCode.None && pending is null ? commit.Value : null);
                if (error == ErrorCode.None && pending is not null)
                {
                    Offsets.EndTransactional(pending, commit.Partition, commit.Value!);
                }
            }
            if (pending is not null)
            {
                Offsets.Release(pending);
            }
            for (int i = 0; i < errors.Length; i++)
            {
                errors[i] = errors[i] == ErrorCode.None ? outcome : errors[i];
            }
            fx.Answer(call, new CommitResult(errors));
        }, producer);
    }
}
