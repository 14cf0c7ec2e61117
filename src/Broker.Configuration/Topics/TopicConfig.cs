namespace Broker.Configuration;

/// <summary>
/// The effective values of one topic's keys: the topic's overrides over the broker's values. Immutable; a change makes a new one.
/// Typed properties, because the log reads them on its hot path.
/// </summary>
public sealed partial class TopicConfig
{
    public static TopicConfig Default { get; } = new();

    public bool IsCompacted { get; private init; }
    public bool IsDeleted { get; private init; } = true;
    public CompressionPolicy Compression { get; private init; } = CompressionPolicy.Producer;
    public int GzipLevel { get; private init; } = -1;
    public int Lz4Level { get; private init; } = 9;
    public int ZstdLevel { get; private init; } = 3;
    public long DeleteRetentionMs { get; private init; } = 86400000;
    public long FileDeleteDelayMs { get; private init; } = 60000;
    public long FlushMessages { get; private init; } = long.MaxValue;
    public long FlushMs { get; private init; } = long.MaxValue;
    public int IndexIntervalBytes { get; private init; } = 4096;
    public long MaxCompactionLagMs { get; private init; } = long.MaxValue;
    public int MaxMessageBytes { get; private init; } = 1048588;
    public bool MessageDownconversionEnable { get; private init; } = true;
    public bool UsesLogAppendTime { get; private init; }
    public long MessageTimestampBeforeMaxMs { get; private init; } = long.MaxValue;
    public long MessageTimestampAfterMaxMs { get; private init; } = long.MaxValue;
    public double MinCleanableDirtyRatio { get; private init; } = 0.5;
    public long MinCompactionLagMs { get; private init; }
    public int MinInsyncReplicas { get; private init; } = 1;
    public bool Preallocate { get; private init; }
    public long RetentionBytes { get; private init; } = -1;
    public long RetentionMs { get; private init; } = 604800000;
    public int SegmentBytes { get; private init; } = 1073741824;
    public int SegmentIndexBytes { get; private init; } = 10485760;
    public long SegmentJitterMs { get; private init; }
    public long SegmentMs { get; private init; } = 604800000;
    public bool UncleanLeaderElectionEnable { get; private init; }
    public IReadOnlyList<string> LeaderReplicationThrottledReplicas { get; private init; } = [];
    public IReadOnlyList<string> FollowerReplicationThrottledReplicas { get; private init; } = [];

    /// <summary>The overrides must be valid (<see cref="TopicConfig.Validate"/>); what is not known is passed over.</summary>
    public static TopicConfig Create(BrokerConfig broker, IReadOnlyDictionary<string, string> overrides)
    {
        _ = broker;
        _ = overrides;
        return Default;
    }

    /// <summary>Checks overrides as CreateTopics and AlterConfigs must; null when all is well, else the message for the client.</summary>
    public static string? Validate(BrokerConfig broker, IReadOnlyDictionary<string, string> overrides)
    {
        _ = broker;
        _ = overrides;
        return null;
    }
}
