namespace Broker.Server;

/// <summary>A partition that a fetcher copies, in one leader epoch. Belongs to the fetcher's loop, except that anybody may look at the epoch.</summary>
internal sealed class FollowedPartition(Partition partition, int leaderEpoch)
{
    public Partition Partition { get; } = partition;

    public int LeaderEpoch { get; } = leaderEpoch;

    /// <summary>Not asked for before, after an error.</summary>
    public long NotBeforeMs { get; set; }

    public int Failures { get; set; }
}
