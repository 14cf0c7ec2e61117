using Broker.Protocol;

namespace Broker.Server;

/// <summary>
/// One partition of a fetch: where to read and how much. Lives as long as its fetch session, or one request when there is none.
/// Changed only by the request that holds the session.
/// </summary>
internal sealed class FetchTarget(string? topic, Guid topicId, int partition)
{
    private const long NeverSent = -1;

    private long _sentHighWatermark = NeverSent;
    private long _sentLogStartOffset = NeverSent;

    /// <summary>Topic name; null when the request named an id that no topic has (yet).</summary>
    public string? Topic { get; set; } = topic;

    public Guid TopicId { get; } = topicId;

    public int Partition { get; } = partition;

    public long FetchOffset { get; set; }

    public int MaxBytes { get; set; }

    public int CurrentLeaderEpoch { get; set; } = -1;

    public int LastFetchedEpoch { get; set; } = -1;

    /// <summary>Whether an incremental response must carry this result, and remembers what the client now knows (KIP-227).</summary>
    public bool MustSend(in PartitionRead read)
    {
        bool changed = read.Error != ErrorCode.None || read.Records.Length > 0 || read.DivergingEpoch is not null
            || read.HighWatermark != _sentHighWatermark || read.LogStartOffset != _sentLogStartOffset;
        // After an error the client holds nothing reliable: the next good answer has to be sent whatever it says.
        _sentHighWatermark = read.Error == ErrorCode.None ? read.HighWatermark : NeverSent;
        _sentLogStartOffset = read.LogStartOffset;
        return changed;
    }
}

/// <summary>What reading one partition gave.</summary>
internal readonly record struct PartitionRead(
    ErrorCode Error,
    long HighWatermark,
    long LastStableOffset,
    long LogStartOffset,
    WireRecords Records,
    IReadOnlyList<Broker.Storage.AbortedTransaction>? Aborted,
    (int Epoch, long EndOffset)? DivergingEpoch,
    (int LeaderId, int LeaderEpoch)? CurrentLeader)
{
    public static PartitionRead Failed(ErrorCode error, (int LeaderId, int LeaderEpoch)? currentLeader = null) =>
        new(error, -1, -1, -1, WireRecords.FromMemory(default), null, null, currentLeader);
}
