using static Broker.Configuration.Tests.Settings;

namespace Broker.Configuration.Tests;

public sealed class TopicConfigTests
{
    private static readonly Dictionary<string, string> None = [];

    [Fact]
    public void BrokerKeysAreTheDefaults()
    {
        var broker = Valid(("log.retention.minutes", "5"), ("log.segment.bytes", "1024"), ("log.roll.hours", "1"), ("log.cleanup.policy", "compact,delete"), ("compression.type", "zstd"));

        var topic = TopicConfig.Create(broker, Map(("segment.bytes", "2048")));

        Assert.Equal((300_000, 2048, 3_600_000), (topic.RetentionMs, topic.SegmentBytes, topic.SegmentMs));
        Assert.True(topic is { IsCompacted: true, IsDeleted: true, Compression: CompressionPolicy.Zstd });
    }

    [Theory]
    [InlineData("log.retention.hours", "-1", -1)]
    [InlineData("log.retention.ms", "-1", -1)]
    [InlineData("log.retention.hours", "2", 7_200_000)]
    [InlineData("log.retention.hours", "2147483647", 2147483647 * 3_600_000L)]
    public void RetentionInEveryUnit(string key, string value, long expected) => Assert.Equal(expected, TopicConfig.Create(Valid((key, value)), None).RetentionMs);

    [Fact]
    public void StrongerUnitDecides() =>
        Assert.Equal(7, TopicConfig.Create(Valid(("log.retention.hours", "1"), ("log.retention.minutes", "1"), ("log.retention.ms", "7")), None).RetentionMs);

    [Fact]
    public void OlderTimestampKeyCountsWhereTheNewerAreUnset()
    {
        var topic = TopicConfig.Create(Valid(), Map(("message.timestamp.difference.max.ms", "9"), ("message.timestamp.after.max.ms", "4")));

        Assert.Equal((9L, 4L), (topic.MessageTimestampBeforeMaxMs, topic.MessageTimestampAfterMaxMs));
    }

    [Theory]
    [InlineData("segment.byts", "1", ConfigProblemKind.Config, "Unknown topic config name: segment.byts")]
    [InlineData("segment.bytes", "1", ConfigProblemKind.Value, "Invalid value 1 for configuration segment.bytes: Value must be at least 14")]
    [InlineData("segment.bytes", "1g", ConfigProblemKind.Value, "Invalid value 1g for configuration segment.bytes: Not a number of type INT")]
    [InlineData("cleanup.policy", "shred", ConfigProblemKind.Value, "Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete")]
    [InlineData("min.cleanable.dirty.ratio", "1.5", ConfigProblemKind.Value, "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1")]
    [InlineData("compression.gzip.level", "0", ConfigProblemKind.Value, "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1")]
    [InlineData("remote.storage.enable", "true", ConfigProblemKind.Value, "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.")]
    public void RefusedOverrides(string key, string value, ConfigProblemKind kind, string message) =>
        Assert.Equal(new ConfigProblem(kind, message), TopicConfig.Validate(Valid(), Map((key, value))));

    [Fact]
    public void LagsMustNotCross() => Assert.Equal(
        "conflict topic config setting min.compaction.lag.ms (10) > max.compaction.lag.ms (5)",
        TopicConfig.Validate(Valid(), Map(("min.compaction.lag.ms", "10"), ("max.compaction.lag.ms", "5")))!.Message);

    [Theory]
    [InlineData("leader.replication.throttled.replicas", "*")]
    [InlineData("leader.replication.throttled.replicas", "0:1,1:2")]
    [InlineData("leader.replication.throttled.replicas", "")]
    [InlineData("message.format.version", "2.8")]
    [InlineData("segment.bytes", " 1000 ")]
    [InlineData("cleanup.policy", "compact, delete")]
    public void AllowedOverrides(string key, string value) => Assert.Null(TopicConfig.Validate(Valid(), Map((key, value))));
}
