using Broker.Configuration;
using Broker.Protocol.Records;

namespace Broker.Coordination;

/// <summary>What the group coordinator is configured with.</summary>
public sealed record GroupCoordinatorOptions
{
    public GroupSettings Groups { get; init; } = new();

    /// <summary>offsets.retention.check.interval.ms</summary>
    public long OffsetsRetentionCheckIntervalMs { get; init; } = 600_000;

    /// <summary>offsets.load.buffer.size, in bytes; grows for a batch that is larger.</summary>
    public int OffsetsLoadBufferBytes { get; init; } = 5_242_880;

    /// <summary>offsets.topic.compression.codec</summary>
    public CompressionCodec Codec { get; init; }

    public static GroupCoordinatorOptions From(BrokerConfig config) => new()
    {
        Groups = new GroupSettings
        {
            InitialRebalanceDelayMs = config.Get(ConfigKeys.GroupInitialRebalanceDelayMs),
            MinSessionTimeoutMs = config.Get(ConfigKeys.GroupMinSessionTimeoutMs),
            MaxSessionTimeoutMs = config.Get(ConfigKeys.GroupMaxSessionTimeoutMs),
            MaxSize = config.Get(ConfigKeys.GroupMaxSize),
            OffsetMetadataMaxBytes = config.Get(ConfigKeys.OffsetMetadataMaxBytes),
            OffsetsRetentionMs = config.Get(ConfigKeys.OffsetsRetentionMinutes) * 60_000L,
        },
        OffsetsRetentionCheckIntervalMs = config.Get(ConfigKeys.OffsetsRetentionCheckIntervalMs),
        OffsetsLoadBufferBytes = config.Get(ConfigKeys.OffsetsLoadBufferSize),
        Codec = (CompressionCodec)config.Get(ConfigKeys.OffsetsTopicCompressionCodec),
    };
}
