namespace Broker.Coordination;

/// <content>JoinGroup.</content>
internal sealed partial class Group
{
    public void Join(JoinInput join, Call<JoinResult> call, Moment now, Effects effects)
    {
        if (State == GroupState.Dead)
        {
            effects.Answer(call, JoinResult.Failed(ErrorCode.CoordinatorNotAvailable, join.MemberId));
            return;
        }
        if (!HasRoomFor(join.MemberId))
        {
            if (_members.TryGetValue(join.MemberId, out GroupMember? tooMany))
            {
                effects.Note(GroupNoteKind.MemberRemoved, this, RebalanceHistory.OneLine($"member {tooMany.Id}: group.max.size {_settings.MaxSize} reached"));
                RemoveMember(tooMany, effects);
            }
            effects.Answer(call, JoinResult.Failed(ErrorCode.GroupMaxSizeReached, ""));
        }
        else if (!Supports(join.ProtocolType, join.Protocols))
        {
            effects.Answer(call, JoinResult.Failed(ErrorCode.InconsistentGroupProtocol, join.MemberId));
        }
        else if (join.MemberId.Length == 0)
        {
            JoinWithoutId(join, call, now, effects);
        }
        else
        {
            JoinWithId(join, call, now, effects);
        }
        TryCompleteJoin(now, effects);
    }

    /// <summary>
    /// New members are taken up to group.max.size. While a rebalance collects members those that wait already count, so that after a cut of the limit
    /// the last to come back are the ones that go.
    /// </summary>
    private bool HasRoomFor(string memberId) => State switch
    {
        GroupState.PreparingRebalance => _members.GetValueOrDefault(memberId)?.Joining is not null || _awaitingJoin < _settings.MaxSize,
        GroupState.CompletingRebalance or GroupState.Stable => _members.ContainsKey(memberId) || _members.Count < _settings.MaxSize,
        _ => true,
    };

    private void JoinWithoutId(JoinInput join, Call<JoinResult> call, Moment now, Effects effects)
    {
        string newId = _ids.Next(join.InstanceId ?? join.ClientId);
        if (join.InstanceId is not null)
        {
            if (_staticMembers.TryGetValue(join.InstanceId, out string? current))
            {
                ReturnOfStaticMember(_members[current], newId, join, call, now, effects);
            }
            else
            {
                AddAndRebalance(newId, join, call, now, effects);
            }
        }
        else if (!join.RequireKnownMemberId)
        {
            AddAndRebalance(newId, join, call, now, effects);
        }
        else if (_pendingMembers.Count >= _settings.MaxPendingMembers)
        {
            effects.Answer(call, JoinResult.Failed(ErrorCode.GroupMaxSizeReached, ""));
        }
        else
        {
            SetPendingDeadline(newId, now.MonotonicMs + join.SessionTimeoutMs);
            effects.Answer(call, JoinResult.Failed(ErrorCode.MemberIdRequired, newId));
        }
    }

    private void JoinWithId(JoinInput join, Call<JoinResult> call, Moment now, Effects effects)
    {
        if (join.InstanceId is null && _pendingMembers.ContainsKey(join.MemberId))
        {
            AddAndRebalance(join.MemberId, join, call, now, effects);
            return;
        }
        ErrorCode error = CheckMember(join.MemberId, join.InstanceId);
        if (error != ErrorCode.None)
        {
            effects.Answer(call, JoinResult.Failed(error, join.MemberId));
            return;
        }
        GroupMember member = _members[join.MemberId];
        switch (State)
        {
            case GroupState.PreparingRebalance:
                RejoinAndRebalance(member, join, call, "rejoins", now, effects);
                break;
            case GroupState.CompletingRebalance when member.Matches(join.Protocols):
                // It probably missed the answer to its first JoinGroup of this generation.
                effects.Answer(call, CurrentGeneration(member, IsLeader(member), LeaderId));
                break;
            case GroupState.Stable when IsLeader(member):
                // The leader asks for a new assignment this way when something outside the metadata changed, as the number of partitions.
                RejoinAndRebalance(member, join, call, "is the leader and rejoins", now, effects);
                break;
            case GroupState.Stable when member.Matches(join.Protocols):
                effects.Answer(call, CurrentGeneration(member, withMembers: false, LeaderId));
                break;
            default:
                RejoinAndRebalance(member, join, call, "rejoins with other metadata", now, effects);
                break;
        }
    }

    private void AddAndRebalance(string memberId, JoinInput join, Call<JoinResult> call, Moment now, Effects effects)
    {
        if (State == GroupState.PreparingRebalance && Generation == 0)
        {
            _newMemberAdded = true;
        }
        if (_members.Count == 0)
        {
            ProtocolType = join.ProtocolType;
        }
        var member = new GroupMember
        {
            Id = memberId,
            InstanceId = join.InstanceId,
            ClientId = join.ClientId,
            ClientHost = join.ClientHost,
            RebalanceTimeoutMs = join.RebalanceTimeoutMs,
            SessionTimeoutMs = join.SessionTimeoutMs,
            Protocols = join.Protocols,
            Joining = call,
            IsNew = true,
        };
        AddMember(member);

        // A broken connection is not noticed while the request is parked, and the client that retries gets another id: without a limit of its own
        // every retry would leave a member behind for as long as the rebalance lasts.
        SetSessionDeadline(member, now.MonotonicMs + GroupSettings.NewMemberJoinTimeoutMs);
        string who = join.InstanceId is null ? $"member {memberId} joins" : $"static member {join.InstanceId} joins as {memberId}";
        MaybePrepareRebalance($"{who}{ClientReason(join.Reason)}", now, effects);
    }

    private void RejoinAndRebalance(GroupMember member, JoinInput join, Call<JoinResult> call, string what, Moment now, Effects effects)
    {
        UpdateMember(member, join.Protocols, join.RebalanceTimeoutMs, join.SessionTimeoutMs);
        ParkJoin(member, call, effects);
        MaybePrepareRebalance($"member {member.Id} {what}{ClientReason(join.Reason)}", now, effects);
    }

    /// <summary>A static member that restarted: no rebalance as long as the generation it missed nothing of stays what it is.</summary>
    private void ReturnOfStaticMember(GroupMember member, string newId, JoinInput join, Call<JoinResult> call, Moment now, Effects effects)
    {
        string oldId = member.Id;
        string? oldLeader = LeaderId;
        var before = MemberOnRecord.Of(member, Generation);
        ReplaceMemberId(member, newId, effects);
        SetSessionDeadline(member, now.MonotonicMs + join.SessionTimeoutMs);
        UpdateMember(member, join.Protocols, join.RebalanceTimeoutMs, join.SessionTimeoutMs);
        ParkJoin(member, call, effects);

        string who = $"static member {member.InstanceId} returns as {newId}, before {oldId}";
        if (State == GroupState.CompletingRebalance)
        {
            // The leader may be assigning to the old id just now.
            MaybePrepareRebalance($"{who}{ClientReason(join.Reason)}", now, effects);
            return;
        }
        if (State != GroupState.Stable)
        {
            return;
        }
        if (SelectProtocol() != ProtocolName)
        {
            MaybePrepareRebalance($"{who}, and the selected protocol changes{ClientReason(join.Reason)}", now, effects);
            return;
        }

        ComputeSubscribedTopics();
        if (_returning.GetValueOrDefault(member.InstanceId!)?.Generation != Generation)
        {
            _returning[member.InstanceId!] = before;
        }
        _returnsOnTheirWay++;
        Dictionary<string, MemberOnRecord> written = _returning.Keys.Where(_staticMembers.ContainsKey)
            .ToDictionary(id => id, id => MemberOnRecord.Of(FindMember(_staticMembers[id])!, Generation), StringComparer.Ordinal);
        effects.Append([Snapshot()], (error, later, fx) =>
        {
            bool isWritten = error == ErrorCode.None;
            if (!call.IsAnswered)
            {
                if (!isWritten)
                {
                    fx.Note(GroupNoteKind.AppendFailed, this, RebalanceHistory.OneLine($"{who} could not be written: {error}"));
                }
                AnswerJoin(member, isWritten
                    ? Unchanged(member, oldLeader, join.SupportsSkipAssignment)
                    : JoinResult.Failed(AppendErrors.ForGroup(error), "") with { Generation = Generation }, fx);
                SetSessionDeadline(member, later.MonotonicMs + member.SessionTimeoutMs);
            }
            SettleReturns(isWritten ? written : [], fx);
            TryCompleteJoin(later, fx);
        });
    }

    /// <summary>
    /// A record of a return was written, and says <paramref name="written"/> of who had returned then, or failed, and says nothing. Every record tells of all members, so only when no more are
    /// on their way is it known what the log says: those of whom it says the former id have it again.
    /// </summary>
    private void SettleReturns(Dictionary<string, MemberOnRecord> written, Effects effects)
    {
        foreach ((string instanceId, MemberOnRecord record) in written)
        {
            _returning[instanceId] = record;
        }
        if (--_returnsOnTheirWay > 0)
        {
            return;
        }
        foreach ((string instanceId, MemberOnRecord record) in _returning)
        {
            if (State == GroupState.Stable && record.Generation == Generation && _staticMembers.TryGetValue(instanceId, out string? id) && id != record.Id)
            {
                GroupMember member = FindMember(id)!;
                UpdateMember(member, record.Protocols, record.RebalanceTimeoutMs, record.SessionTimeoutMs);
                ReplaceMemberId(member, record.Id, effects);
                ComputeSubscribedTopics();
            }
        }
        _returning.Clear();
    }

    /// <summary>
    /// A leader of v9 hears that it leads and shall not assign; before v9 it must not learn that it leads, or it would compute an assignment that nobody
    /// takes: it is told the leader's old id.
    /// </summary>
    private JoinResult Unchanged(GroupMember member, string? oldLeader, bool supportsSkip)
    {
        if (!supportsSkip)
        {
            return CurrentGeneration(member, withMembers: false, oldLeader);
        }
        bool leads = IsLeader(member);
        return CurrentGeneration(member, leads, LeaderId, skipAssignment: leads);
    }

    private static string ClientReason(string? reason) => string.IsNullOrEmpty(reason) ? "" : $"; client's reason: {reason}";
}
