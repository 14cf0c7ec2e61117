namespace Broker.Coordination;

/// <content>Which offsets have had their time (KIP-211).</content>
internal sealed partial class Group
{
    /// <summary>
    /// In an empty group the time runs from the moment it became empty; in a group that only stores offsets, and for topics a stable consumer group no
    /// longer subscribes to, from the commit. A commit that carried its own expiry keeps to that. What is being committed just now stays.
    /// </summary>
    public List<TopicPartition> ExpiredOffsets(Moment now)
    {
        List<TopicPartition> expired = [];
        bool isSimple = ProtocolType is null && State == GroupState.Empty;
        bool isEmpty = State == GroupState.Empty;
        if (!isEmpty && !(State == GroupState.Stable && IsConsumerGroup && _subscribedTopics is not null))
        {
            return expired;
        }
        foreach ((TopicPartition partition, CommittedOffset offset) in Offsets.Committed)
        {
            if (Offsets.IsUnstable(partition) || (!isEmpty && IsSubscribedTo(partition.Topic)))
            {
                continue;
            }
            long sinceMs = isEmpty && !isSimple && StateTimestampMs >= 0 ? StateTimestampMs : offset.CommitTimestampMs;
            bool isOver = offset.ExpireTimestampMs == CommittedOffset.NoExpiry
                ? now.UnixMs - sinceMs >= _settings.OffsetsRetentionMs
                : now.UnixMs >= offset.ExpireTimestampMs;
            if (isOver)
            {
                expired.Add(partition);
            }
        }
        return expired;
    }
}
