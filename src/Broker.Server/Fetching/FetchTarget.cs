namespace Broker.Server;

/// <summary>
/// One partition of a fetch: where to read and how much. Lives as long as its fetch session, or one request when there is none.
/// Changed only by the request that holds the session, and by its <see cref="FetchWatch"/>.
/// </summary>
internal sealed class FetchTarget(string? topic, Guid topicId, int partition, FetchWatch watch)
{
    private const long NeverSent = -1;

    private long _sentHighWatermark = NeverSent;
    private long _sentLogStartOffset = NeverSent;
    private volatile bool _isClosed;

    /// <summary>Topic name; null when the request named an id that no topic has (yet).</summary>
    public string? Topic { get; set; } = topic;

    public Guid TopicId { get; } = topicId;

    public int Partition { get; } = partition;

    public long FetchOffset { get; set; }

    public int MaxBytes { get; set; }

    public int CurrentLeaderEpoch { get; set; } = -1;

    public int LastFetchedEpoch { get; set; } = -1;

    /// <summary>Where the log of the follower that asks starts; -1 when it did not say.</summary>
    public long LogStartOffset { get; set; } = -1;

    public FetchWatch Watch { get; } = watch;

    /// <summary>Guarded by the watch: whether it stands among those to look at.</summary>
    public bool IsDue { get; set; }

    /// <summary>The partition that marks it; guarded by the watch.</summary>
    public Partition? Followed { get; set; }

    /// <summary>True when its reader has forgotten it.</summary>
    public bool IsClosed
    {
        get => _isClosed;
        set => _isClosed = value;
    }

    /// <summary>Whether the reader was told another high watermark in this session.</summary>
    public bool HasNewHighWatermark(in PartitionRead read) => read.HighWatermark != _sentHighWatermark;

    /// <summary>Whether an incremental response must carry this result (KIP-227).</summary>
    public bool IsNews(in PartitionRead read) => read.IsUrgent || read.Records.Length > 0 || HasNewHighWatermark(read) || read.LogStartOffset != _sentLogStartOffset;

    /// <summary>Remembers what the reader knows from now on. After an error it holds nothing reliable: the next good answer has to be sent whatever it says.</summary>
    public void OnSent(in PartitionRead read)
    {
        _sentHighWatermark = read.Error == Broker.Protocol.ErrorCode.None ? read.HighWatermark : NeverSent;
        _sentLogStartOffset = read.LogStartOffset;
    }
}
