namespace Broker.Coordination;

/// <summary>What a group has committed for a partition; <see cref="None"/> when nothing, or when it may not be told.</summary>
internal readonly record struct FetchedOffset(TopicPartition Partition, CommittedOffset Value, ErrorCode Error)
{
    public static CommittedOffset None { get; } = new(-1, -1, "", -1);
}

/// <content>OffsetFetch.</content>
internal sealed partial class GroupShard
{
    /// <summary>
    /// Adds the offsets of the wanted partitions, all that have one when <paramref name="wanted"/> is null. With <paramref name="requireStable"/> a partition
    /// whose value is about to change is answered with UNSTABLE_OFFSET_COMMIT: the client comes again.
    /// </summary>
    public void Fetch(string groupId, List<TopicPartition>? wanted, bool requireStable, List<FetchedOffset> offsets)
    {
        GroupOffsets? kept = _groups.TryGetValue(groupId, out Group? group) ? group.Offsets : null;
        if (wanted is not null)
        {
            foreach (TopicPartition partition in wanted)
            {
                offsets.Add(FetchOne(partition, kept?.Find(partition), kept, requireStable));
            }
        }
        else if (kept is not null)
        {
            foreach ((TopicPartition partition, CommittedOffset offset) in kept.Committed)
            {
                offsets.Add(FetchOne(partition, offset, kept, requireStable));
            }
        }
    }

    private static FetchedOffset FetchOne(TopicPartition partition, CommittedOffset? offset, GroupOffsets? kept, bool requireStable) =>
        requireStable && kept is not null && kept.IsUnstable(partition)
            ? new FetchedOffset(partition, FetchedOffset.None, ErrorCode.UnstableOffsetCommit)
            : new FetchedOffset(partition, offset ?? FetchedOffset.None, ErrorCode.None);
}
