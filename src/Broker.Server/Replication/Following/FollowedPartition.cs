using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>A partition that a fetcher copies, in one leader epoch. Belongs to the fetcher's loop, except that anybody may look at the epoch.</summary>
internal sealed class FollowedPartition(Partition partition, int leaderEpoch)
{
    public Partition Partition { get; } = partition;

    public int LeaderEpoch { get; } = leaderEpoch;

    /// <summary>As fetches name it.</summary>
    public (Guid Topic, int Index) Key => (Partition.Log.TopicId, Partition.TopicPartition.Partition);

    public int Failures { get; set; }

    /// <summary>At the last answer it had all that is replicated.</summary>
    public bool HasCaughtUp { get; set; }

    /// <summary>Where its log ends and starts, as the next fetch has to say it.</summary>
    public FetchRequest.FetchPartition Describe(int maxBytes) => new()
    {
        Partition = Partition.TopicPartition.Partition,
        CurrentLeaderEpoch = LeaderEpoch,
        FetchOffset = Partition.Log.LogEndOffset,
        LastFetchedEpoch = Partition.Log.LatestLeaderEpoch,
        LogStartOffset = Partition.Log.LogStartOffset,
        PartitionMaxBytes = maxBytes,
    };
}
