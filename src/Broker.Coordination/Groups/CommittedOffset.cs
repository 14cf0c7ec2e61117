namespace Broker.Coordination;

/// <summary>A committed position. Immutable.</summary>
internal sealed record CommittedOffset(long Offset, int LeaderEpoch, string Metadata, long CommitTimestampMs, long ExpireTimestampMs = CommittedOffset.NoExpiry)
{
    /// <summary>The usual case: the group's state and offsets.retention.minutes decide. Old requests may carry a time of their own.</summary>
    public const long NoExpiry = -1;
}
