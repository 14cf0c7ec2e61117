using static Broker.Configuration.Tests.Settings;

namespace Broker.Configuration.Tests;

/// <summary>Shapes that DescribeConfigs has in Kafka 3.9.</summary>
public sealed class DescribeTests
{
    private static readonly Dictionary<string, string> None = [];

    [Fact]
    public void SynonymsOfATopicKeyGoFromTheTopicToTheDefault()
    {
        var broker = Valid(("log.segment.bytes", "1000")).WithDynamic(Map(("log.segment.bytes", "3000")), Map(("log.segment.bytes", "2000")));

        var segmentBytes = Topic(broker, "segment.bytes", ("segment.bytes", "4000"));

        Assert.Equal(("4000", ConfigSource.DynamicTopic, false, ConfigType.Int), (segmentBytes.Value, segmentBytes.Source, segmentBytes.IsReadOnly, segmentBytes.Type));
        Assert.Equal(
        [
            new ConfigSynonym("segment.bytes", "4000", ConfigSource.DynamicTopic),
            new ConfigSynonym("log.segment.bytes", "3000", ConfigSource.DynamicBroker),
            new ConfigSynonym("log.segment.bytes", "2000", ConfigSource.DynamicDefaultBroker),
            new ConfigSynonym("log.segment.bytes", "1000", ConfigSource.StaticBroker),
            new ConfigSynonym("log.segment.bytes", "1073741824", ConfigSource.Default),
        ], segmentBytes.Synonyms);
    }

    [Fact]
    public void ValuesOfTheServerFileAreStatic()
    {
        var segmentBytes = Topic(Valid(("log.segment.bytes", "1000")), "segment.bytes");

        Assert.Equal(("1000", ConfigSource.StaticBroker), (segmentBytes.Value, segmentBytes.Source));
    }

    [Fact]
    public void RetentionByHoursCountsAsDefault()
    {
        // Kafka drops the other keys of the chain up to the first value of the key itself.
        var retention = Topic(Valid(("log.retention.hours", "1")), "retention.ms");
        var withMs = Topic(Valid(("log.retention.hours", "1"), ("log.retention.ms", "5")), "retention.ms");

        Assert.Equal(("3600000", ConfigSource.Default), (retention.Value, retention.Source));
        Assert.Empty(retention.Synonyms);
        Assert.Equal(("5", ConfigSource.StaticBroker), (withMs.Value, withMs.Source));
        Assert.Equal(
        [
            new ConfigSynonym("log.retention.ms", "5", ConfigSource.StaticBroker),
            new ConfigSynonym("log.retention.hours", "1", ConfigSource.StaticBroker),
            new ConfigSynonym("log.retention.hours", "168", ConfigSource.Default),
        ], withMs.Synonyms);
    }

    [Fact]
    public void AllTopicKeysAreDescribedByName()
    {
        var all = TopicConfig.Describe(Valid(), None);

        Assert.Equal(TopicConfigKeys.All.Select(key => key.Name).Order(StringComparer.Ordinal), all.Select(description => description.Name));
        Assert.All(all, description => Assert.Equal(ConfigSource.Default, description.Source));
        Assert.Equal("1", all.Single(description => description.Name == "min.insync.replicas").Value);
        Assert.Equal("0.5", all.Single(description => description.Name == "min.cleanable.dirty.ratio").Value);
        Assert.Equal("", all.Single(description => description.Name == "leader.replication.throttled.replicas").Value);
    }

    [Fact]
    public void BrokerKeys()
    {
        var config = Valid(("num.partitions", "4"), ("unknown.key", "x")).WithDynamic(Map(("message.max.bytes", "5"), ("leader.replication.throttled.rate", "7")), None);
        var all = config.Describe().ToDictionary(description => description.Name);

        Assert.Equal(("4", ConfigSource.StaticBroker, true), (all["num.partitions"].Value, all["num.partitions"].Source, all["num.partitions"].IsReadOnly));
        Assert.Equal(("5", ConfigSource.DynamicBroker, false), (all["message.max.bytes"].Value, all["message.max.bytes"].Source, all["message.max.bytes"].IsReadOnly));
        Assert.Equal("7", all["leader.replication.throttled.rate"].Value);

        // That there is none is no value that it would have otherwise.
        Assert.Equal(ConfigSource.DynamicBroker, Assert.Single(all["leader.replication.throttled.rate"].Synonyms).Source);
        Assert.Equal((null, true), (all["unknown.key"].Value, all["unknown.key"].IsSensitive));
        Assert.Equal((null, ConfigSource.Default), (all["log.retention.ms"].Value, all["log.retention.ms"].Source));
        Assert.Equal((null, true, ConfigType.Password), (all["ssl.key.password"].Value, all["ssl.key.password"].IsSensitive, all["ssl.key.password"].Type));
        Assert.DoesNotContain("super.users", all.Keys);
    }

    [Fact]
    public void ClusterDefaultShowsOnlyWhatIsSetThere()
    {
        var config = Valid(("message.max.bytes", "1")).WithDynamic(Map(("message.max.bytes", "3")), Map(("message.max.bytes", "2")));

        var description = Assert.Single(config.DescribeClusterDefault());

        Assert.Equal(ConfigSource.DynamicDefaultBroker, description.Source);
        Assert.Equal([new ConfigSynonym("message.max.bytes", "2", ConfigSource.DynamicDefaultBroker)], description.Synonyms);
        Assert.Equal("2", description.Value);
    }

    private static ConfigDescription Topic(BrokerConfig broker, string key, params (string Key, string Value)[] overrides) =>
        TopicConfig.Describe(broker, Map(overrides)).Single(description => description.Name == key);
}
