namespace Broker.Configuration;

/// <summary>
/// The effective values of one topic's keys: the topic's overrides over the broker's values. Immutable; a change makes a new one.
/// Typed properties, because the log reads them on its hot path.
/// </summary>
public sealed partial class TopicConfig
{
    private readonly object?[] _values;

    private TopicConfig(object?[] values)
    {
        _values = values;
        var policy = Get(TopicConfigKeys.CleanupPolicy);
        IsCompacted = policy.Contains("compact");
        IsDeleted = policy.Contains("delete");
        Compression = Enum.Parse<CompressionPolicy>(Get(TopicConfigKeys.CompressionType), ignoreCase: true);
        GzipLevel = Get(TopicConfigKeys.CompressionGzipLevel);
        Lz4Level = Get(TopicConfigKeys.CompressionLz4Level);
        ZstdLevel = Get(TopicConfigKeys.CompressionZstdLevel);
        DeleteRetentionMs = Get(TopicConfigKeys.DeleteRetentionMs);
        FileDeleteDelayMs = Get(TopicConfigKeys.FileDeleteDelayMs);
        FlushMessages = Get(TopicConfigKeys.FlushMessages);
        FlushMs = Get(TopicConfigKeys.FlushMs);
        IndexIntervalBytes = Get(TopicConfigKeys.IndexIntervalBytes);
        MaxCompactionLagMs = Get(TopicConfigKeys.MaxCompactionLagMs);
        MaxMessageBytes = Get(TopicConfigKeys.MaxMessageBytes);
        MessageDownconversionEnable = Get(TopicConfigKeys.MessageDownconversionEnable);
        UsesLogAppendTime = Get(TopicConfigKeys.MessageTimestampType) == "LogAppendTime";
        MessageTimestampBeforeMaxMs = OrDifference(Get(TopicConfigKeys.MessageTimestampBeforeMaxMs));
        MessageTimestampAfterMaxMs = OrDifference(Get(TopicConfigKeys.MessageTimestampAfterMaxMs));
        MinCleanableDirtyRatio = Get(TopicConfigKeys.MinCleanableDirtyRatio);
        MinCompactionLagMs = Get(TopicConfigKeys.MinCompactionLagMs);
        MinInsyncReplicas = Get(TopicConfigKeys.MinInsyncReplicas);
        Preallocate = Get(TopicConfigKeys.Preallocate);
        RetentionBytes = Get(TopicConfigKeys.RetentionBytes);
        RetentionMs = Get(TopicConfigKeys.RetentionMs);
        SegmentBytes = Get(TopicConfigKeys.SegmentBytes);
        SegmentIndexBytes = Get(TopicConfigKeys.SegmentIndexBytes);
        SegmentJitterMs = Get(TopicConfigKeys.SegmentJitterMs);
        SegmentMs = Get(TopicConfigKeys.SegmentMs);
        UncleanLeaderElectionEnable = Get(TopicConfigKeys.UncleanLeaderElectionEnable);
        LeaderReplicationThrottledReplicas = ThrottledReplicaSet.From(Get(TopicConfigKeys.LeaderReplicationThrottledReplicas));
        FollowerReplicationThrottledReplicas = ThrottledReplicaSet.From(Get(TopicConfigKeys.FollowerReplicationThrottledReplicas));
    }

    public static TopicConfig Default { get; } = Create(BrokerConfig.Default, ConfigSourceMaps.None);

    public bool IsCompacted { get; }

    /// <summary>Old segments are deleted by time and size (cleanup.policy has delete).</summary>
    public bool IsDeleted { get; }

    public CompressionPolicy Compression { get; }

    /// <summary>-1 is the codec's own default.</summary>
    public int GzipLevel { get; }

    public int Lz4Level { get; }

    public int ZstdLevel { get; }

    public long DeleteRetentionMs { get; }

    public long FileDeleteDelayMs { get; }

    public long FlushMessages { get; }

    public long FlushMs { get; }

    public int IndexIntervalBytes { get; }

    public long MaxCompactionLagMs { get; }

    public int MaxMessageBytes { get; }

    public bool MessageDownconversionEnable { get; }

    public bool UsesLogAppendTime { get; }

    /// <summary>The older message.timestamp.difference.max.ms is worked in.</summary>
    public long MessageTimestampBeforeMaxMs { get; }

    /// <summary>The older message.timestamp.difference.max.ms is worked in.</summary>
    public long MessageTimestampAfterMaxMs { get; }

    public double MinCleanableDirtyRatio { get; }

    public long MinCompactionLagMs { get; }

    public int MinInsyncReplicas { get; }

    public bool Preallocate { get; }

    /// <summary>-1 means no limit.</summary>
    public long RetentionBytes { get; }

    /// <summary>-1 means no limit.</summary>
    public long RetentionMs { get; }

    public int SegmentBytes { get; }

    public int SegmentIndexBytes { get; }

    public long SegmentJitterMs { get; }

    public long SegmentMs { get; }

    public bool UncleanLeaderElectionEnable { get; }

    public ThrottledReplicaSet LeaderReplicationThrottledReplicas { get; }

    public ThrottledReplicaSet FollowerReplicationThrottledReplicas { get; }

    public T Get<T>(ConfigKey<T> key) => (T)_values[key.Index]!;

    internal object? ValueOf(ConfigKey key) => _values[key.Index];

    /// <summary>Overrides that are not valid or not known are passed over: <see cref="Validate"/> is what keeps them out.</summary>
    public static TopicConfig Create(BrokerConfig broker, IReadOnlyDictionary<string, string> overrides)
    {
        var values = new object?[TopicConfigKeys.All.Count];
        foreach (var key in TopicConfigKeys.All)
        {
            values[key.Index] = overrides.TryGetValue(key.Name, out var text) && key.TryParse(text, out var value, out _) ? value : FromBroker(broker, key);
        }

        return new TopicConfig(values);
    }

    private static object? FromBroker(BrokerConfig broker, ConfigKey key)
    {
        var value = broker.ResolveChain(key.Synonyms) ?? key.DefaultObject;
        return key.Type == ConfigType.Long && value is not long ? Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture)

            // Hours of -1 mean the same as -1 ms.
            : key == TopicConfigKeys.RetentionMs && value is < 0L ? -1L
            : value;
    }

    private long OrDifference(long value) => value != long.MaxValue ? value : Get(TopicConfigKeys.MessageTimestampDifferenceMaxMs);
}
