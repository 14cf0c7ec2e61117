using static Broker.Configuration.Tests.Settings;

namespace Broker.Configuration.Tests;

public sealed class BrokerConfigTests
{
    [Fact]
    public void LaterLayersWin()
    {
        var config = BrokerConfig.Parse(
            [Entries(("num.partitions", "2"), ("log.dirs", "/a")), Entries(("num.partitions", "3")), Entries(("num.partitions", "4"))]).Config!;

        Assert.Equal(4, config.Get(ConfigKeys.NumPartitions));
        Assert.Equal(["/a"], config.LogDirs);
        Assert.Equal(168, config.Get(ConfigKeys.LogRetentionHours));
    }

    [Fact]
    public void AllErrorsComeAtOnceWithKeyValueReasonAndRemedy()
    {
        var errors = Parse(
            ("num.partitions", "many"),
            ("log.segment.bytes", "5"),
            ("auto.create.topics.enable", "yes"),
            ("compression.type", "lzma"),
            ("log.cleanup.policy", "delete,shred"),
            ("broker.id", "1"),
            ("node.id", "2"),
            ("listeners", "PLAINTEXT://:9092,SSL://:9092"),
            ("log.dirs", " , ")).Errors;

        Assert.Equal(
        [
            "Invalid value many for configuration num.partitions: Not a number of type INT",
            "Invalid value 5 for configuration log.segment.bytes: Value must be at least 14",
            "Invalid value yes for configuration auto.create.topics.enable: Expected value to be either true or false",
            "Invalid value lzma for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer",
            "Invalid value delete,shred for configuration log.cleanup.policy: String must be one of: compact, delete",
            "You must set `node.id` to the same value as `broker.id`.",
            "Each listener must have a different port, listeners: PLAINTEXT://:9092,SSL://:9092",
            "Listener SSL://:9092 has security protocol SSL, which is not supported yet.",
            "At least one log directory must be defined via log.dirs or log.dir.",
        ], errors.Select(error => error.Reason).OrderBy(Order));
        Assert.All(errors, error => Assert.True(error.Key.Length > 0 && error.Value is not null && error.Origin == "test" && error.Remedy.Length > 0, error.ToString()));
        var remedy = errors.Single(error => error.Key == "log.segment.bytes").Remedy;
        Assert.Equal("Write a whole number without unit ([14,...]), or remove the line for the default 1073741824.", remedy);

        // The order of the list above; which check runs first is not part of the promise.
        int Order(string reason) => Array.FindIndex(
            ["num.partitions", "log.segment.bytes", "auto.create", "compression.type", "log.cleanup", "node.id", "different port", "not supported", "log directory"],
            word => reason.Contains(word, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("broker.id", "1001", "broker.id must be greater than or equal to -1 and not greater than reserved.broker.max.id")]
    [InlineData("log.cleaner.dedupe.buffer.size", "1000", "log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.")]
    [InlineData("replica.fetch.wait.max.ms", "30001", "replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms")]
    [InlineData("log.retention.ms", "0", "log.retention.ms must be unlimited (-1) or, greater than or equal to 1")]
    [InlineData("log.retention.hours", "0", "log.retention.hours must be unlimited (-1) or, greater than or equal to 1")]
    [InlineData("log.roll.ms", "0", "log.roll.ms must be greater than or equal to 1")]
    [InlineData("max.connections.per.ip", "0", "max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.")]
    [InlineData("connections.max.idle.ms", "50", "connection.failed.authentication.delay.ms=100 should always be less than connections.max.idle.ms=50")]
    [InlineData("queued.max.request.bytes", "1000", "queued.max.request.bytes must be larger or equal to socket.request.max.bytes")]
    [InlineData("max.connections.per.ip.overrides", "10.0.0.1:5,10.0.0.2", "'10.0.0.2' is not of the form host:count")]
    [InlineData("max.connections.per.ip.overrides", "a:5,a:6", "a appears more than once")]
    [InlineData("group.coordinator.rebalance.protocols", "consumer,classic", "The new 'consumer' rebalance protocol is only supported in KRaft cluster.")]
    [InlineData("authorizer.class.name", "kafka.security.authorizer.AclAuthorizer", "Authorization was asked for, and this version has no authorizer.")]
    public void KeysThatDoNotFitTogether(string key, string value, string reason) =>
        Assert.Contains(Parse((key, value)).Errors, error => error.Reason.Contains(reason, StringComparison.Ordinal));

    [Fact]
    public void UnknownKeysAreOnlyNoted()
    {
        var result = Parse(("num.partitons", "3"), ("retention.ms", "1"), ("heap.opts", "-Xmx1G"), ("listener.name.internal.ssl.keystore.location", "/x"));

        Assert.NotNull(result.Config);
        Assert.Equal(
        [
            "heap.opts (test) is not a key of the broker and has no effect.",
            "listener.name.internal.ssl.keystore.location (test) has no effect: this version has no settings of single listeners.",
            "num.partitons (test) is not a key of the broker and has no effect. Did you mean num.partitions?",
            "retention.ms (test) is not a key of the broker and has no effect. It is a key of topics; the broker's default for topics is log.retention.ms.",
        ], result.Notices);
    }

    [Fact]
    public void KeysWithoutEffectAreNotedOnceForEachReasonAndOnlyWhenChanged()
    {
        var result = Parse(("fetch.purgatory.purge.interval.requests", "5"), ("producer.purgatory.purge.interval.requests", "5"), ("num.io.threads", "8"), ("num.network.threads", "3"));

        Assert.Equal(
            ["fetch.purgatory.purge.interval.requests, producer.purgatory.purge.interval.requests have no effect. Waiting requests leave their list at once when they are done; there is nothing to purge."],
            result.Notices);
    }

    [Fact]
    public void SecretsAreNotShown()
    {
        var config = Valid(("ssl.keystore.password", "hush"), ("my.plugin.token", "hush"));

        Assert.DoesNotContain(config.Describe(), description => description.ToString().Contains("hush", StringComparison.Ordinal)
            || description.Synonyms.Any(synonym => synonym.ToString().Contains("hush", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("-1", "-1", -1)]
    [InlineData("3", "-1", 3)]
    [InlineData("-1", "4", 4)]
    public void NodeIdIsTakenAsBrokerId(string brokerId, string nodeId, int expected) =>
        Assert.Equal(expected, Valid(("broker.id", brokerId), ("node.id", nodeId)).BrokerId);

    [Fact]
    public void LogDirIsTheFallbackOfLogDirs()
    {
        Assert.Equal(["/tmp/kafka-logs"], Valid().LogDirs);
        Assert.Equal(["/a"], Valid(("log.dir", "/a")).LogDirs);
        Assert.Equal(["/b", "/c"], Valid(("log.dir", "/a"), ("log.dirs", "/b, /c")).LogDirs);
    }

    [Fact]
    public void EmbeddedDefaultsAreAValidConfiguration()
    {
        var config = BrokerConfig.Parse([EmbeddedDefaults.Entries(isAddressed: false)]).Config!;

        Assert.Equal("PLAINTEXT://:9092", Assert.Single(config.Listeners).ToString());
        Assert.Equal("PLAINTEXT://localhost:9092", Assert.Single(config.AdvertisedListeners).ToString());
        Assert.Equal(1, config.Get(ConfigKeys.OffsetsTopicReplicationFactor));
        Assert.Equal(0, config.Get(ConfigKeys.GroupInitialRebalanceDelayMs));
    }
}
