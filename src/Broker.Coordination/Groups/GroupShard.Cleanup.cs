namespace Broker.Coordination;

/// <content>Everything that takes offsets and groups away. The tombstones are in the log before anything is gone from memory.</content>
internal sealed partial class GroupShard
{
    public void DeleteGroup(string groupId, Call<Outcome> call, Moment now, Effects effects)
    {
        if (!_groups.TryGetValue(groupId, out Group? group))
        {
            effects.Answer(call, new Outcome(ErrorCode.GroupIdNotFound));
        }
        else if (group.State == GroupState.Dead)
        {
            effects.Answer(call, new Outcome(ErrorCode.CoordinatorNotAvailable));
        }
        else if (group.State != GroupState.Empty)
        {
            effects.Answer(call, new Outcome(ErrorCode.NonEmptyGroup));
        }
        else
        {
            Remove(group, group.Offsets.AllPartitions(), deleteGroup: true, effects, (error, fx) => fx.Answer(call, new Outcome(error)));
        }
    }

    public void DeleteOffsets(string groupId, TopicPartition[] partitions, Call<DeleteOffsetsResult> call, Moment now, Effects effects)
    {
        var errors = new ErrorCode[partitions.Length];
        if (!_groups.TryGetValue(groupId, out Group? group))
        {
            effects.Answer(call, new DeleteOffsetsResult(ErrorCode.GroupIdNotFound, errors));
            return;
        }
        ErrorCode refusal = group.State switch
        {
            GroupState.Dead => ErrorCode.CoordinatorNotAvailable,
            GroupState.Empty => ErrorCode.None,
            _ => group.IsConsumerGroup ? ErrorCode.None : ErrorCode.NonEmptyGroup,
        };
        if (refusal != ErrorCode.None)
        {
            effects.Answer(call, new DeleteOffsetsResult(refusal, errors));
            return;
        }
        List<TopicPartition> victims = [];
        for (int i = 0; i < partitions.Length; i++)
        {
            if (group.State != GroupState.Empty && group.IsSubscribedTo(partitions[i].Topic))
            {
                errors[i] = ErrorCode.GroupSubscribedToTopic;
            }
            else
            {
                victims.Add(partitions[i]);
            }
        }
        Remove(group, OnlyKept(group, victims), deleteGroup: false, effects, (error, fx) =>
        {
            for (int i = 0; i < errors.Length && error != ErrorCode.None; i++)
            {
                errors[i] = errors[i] == ErrorCode.None ? error : errors[i];
            }
            fx.Answer(call, new DeleteOffsetsResult(ErrorCode.None, errors));
        });
    }

    /// <summary>The topics are gone, and what groups committed for them with them.</summary>
    public void OnTopicsDeleted(IReadOnlySet<string> topics, Effects effects)
    {
        foreach (Group group in _groups.Values.ToArray())
        {
            List<TopicPartition> victims = group.Offsets.AllPartitions().FindAll(partition => topics.Contains(partition.Topic));
            if (victims.Count > 0 && group.State != GroupState.Dead)
            {
                Remove(group, victims, deleteGroup: false, effects, then: null);
            }
        }
    }

    /// <summary>Offsets whose time is over go, and with them groups that are empty then.</summary>
    public void ExpireOffsets(Moment now, Effects effects)
    {
        foreach (Group group in _groups.Values.ToArray())
        {
            if (group.State == GroupState.Dead)
            {
                continue;
            }
            List<TopicPartition> expired = group.ExpiredOffsets(now);
            if (expired.Count > 0 || group.IsVacant)
            {
                Remove(group, expired, deleteGroup: false, effects, then: null);
            }
        }
    }

    private static List<TopicPartition> OnlyKept(Group group, List<TopicPartition> partitions) =>
        partitions.FindAll(partition => group.Offsets.Find(partition) is not null || group.Offsets.IsUnstable(partition));

    /// <summary>
    /// Writes tombstones for the partitions, and for the group when it is deleted or nothing of it will be left; then, and only if they are in the log,
    /// forgets them. Appends complete in order, so a commit written before the tombstones is applied before they are, and one written after them later.
    /// </summary>
    private void Remove(Group group, List<TopicPartition> partitions, bool deleteGroup, Effects effects, Action<ErrorCode, Effects>? then)
    {
        var records = new List<GroupRecord>(partitions.Count + 1);
        foreach (TopicPartition partition in partitions)
        {
            records.Add(new OffsetRecord(group.Id, partition, null));
        }
        bool dies = deleteGroup || WillBeVacant(group, partitions);
        if (dies)
        {
            group.Kill();
            if (group.Generation > 0)
            {
                records.Add(new GroupMetadataRecord(group.Id, null));
            }
        }
        if (records.Count == 0)
        {
            Finish(ErrorCode.None, effects);
            return;
        }
        effects.Append(records, (error, _, fx) => Finish(error, fx));

        void Finish(ErrorCode error, Effects fx)
        {
            if (error == ErrorCode.None)
            {
                foreach (TopicPartition partition in partitions)
                {
                    group.Offsets.Remove(partition);
                }
            }
            else
            {
                fx.Note(GroupNoteKind.AppendFailed, group, $"tombstones for {partitions.Count} offsets could not be written: {error}");
            }
            if (dies && error != ErrorCode.None)
            {
                group.Revive();
                Schedule(group);
            }
            else if (dies && _groups.TryGetValue(group.Id, out Group? current) && current == group)
            {
                fx.Note(GroupNoteKind.Removed, group, deleteGroup ? "deleted" : "empty and without offsets");
                _groups.Remove(group.Id);
                _queued.Remove(group);
            }
            then?.Invoke(error == ErrorCode.None ? error : AppendErrors.ForGroup(error), fx);
        }
    }

    private static bool WillBeVacant(Group group, List<TopicPartition> partitions) =>
        group.State == GroupState.Empty
        && group.PendingMemberIds.Count == 0
        && !group.Offsets.HasUnfinished
        && group.Offsets.Count == partitions.Count(partition => group.Offsets.Find(partition) is not null);
}
