using Broker.Protocol;
using Broker.Storage;

namespace Broker.Server;

/// <summary>What reading one partition gave.</summary>
internal readonly record struct PartitionRead(
    ErrorCode Error,
    long HighWatermark,
    long LastStableOffset,
    long LogStartOffset,
    WireRecords Records,
    IReadOnlyList<AbortedTransaction>? Aborted,
    (int Epoch, long EndOffset)? DivergingEpoch,
    (int LeaderId, int LeaderEpoch)? CurrentLeader)
{
    /// <summary>Broker id of a replica that the consumer had better read from.</summary>
    public int? PreferredReplica { get; init; }

    /// <summary>There is nothing for this reader until the partition marks its target again.</summary>
    public bool IsAtRest { get; init; }

    /// <summary>News that does not wait for more bytes.</summary>
    public bool IsUrgent => Error != ErrorCode.None || DivergingEpoch is not null || PreferredReplica is not null;

    public static PartitionRead Failed(ErrorCode error, (int LeaderId, int LeaderEpoch)? currentLeader = null) =>
        new(error, -1, -1, -1, WireRecords.FromMemory(default), null, null, currentLeader);
}

/// <summary>A read with whom it was for.</summary>
internal readonly record struct TargetRead(FetchTarget Target, PartitionRead Read);
