using static Broker.Configuration.Tests.Settings;

namespace Broker.Configuration.Tests;

public sealed class DynamicTests
{
    private static readonly Dictionary<string, string> None = [];

    [Fact]
    public void BrokerValueStandsOverClusterDefaultOverStatic()
    {
        var config = Valid(("message.max.bytes", "1000"));

        var both = config.WithDynamic(Map(("message.max.bytes", "3000")), Map(("message.max.bytes", "2000")));

        Assert.Equal(3000, both.Get(ConfigKeys.MessageMaxBytes));
        Assert.Equal(2000, both.WithDynamic(None, Map(("message.max.bytes", "2000"))).Get(ConfigKeys.MessageMaxBytes));
        Assert.Equal(1000, both.WithDynamic(None, None).Get(ConfigKeys.MessageMaxBytes));
        Assert.Equal(1000, config.Get(ConfigKeys.MessageMaxBytes));
    }

    [Fact]
    public void StoredValuesThatAreNotValidArePassedOver()
    {
        var config = Valid().WithDynamic(Map(("message.max.bytes", "x"), ("num.partitions", "9"), ("listeners", "junk")), Map(("advertised.listeners", "PLAINTEXT://h:1")));

        Assert.Equal(1048588, config.Get(ConfigKeys.MessageMaxBytes));
        Assert.Equal(1, config.Get(ConfigKeys.NumPartitions));
        Assert.Equal("PLAINTEXT://:9092", Assert.Single(config.Listeners).ToString());
    }

    [Fact]
    public void AdvertisedListenersCanChange()
    {
        var config = Valid().WithDynamic(Map(("advertised.listeners", "PLAINTEXT://new:19092")), None);

        Assert.Equal("PLAINTEXT://new:19092", Assert.Single(config.AdvertisedListeners).ToString());
        Assert.Equal("PLAINTEXT://localhost:9092", Assert.Single(config.WithDynamic(None, None).AdvertisedListeners).ToString());
    }

    [Theory]
    [InlineData(true, "num.partitions", "3", "Cannot update these configs dynamically: Set(num.partitions)")]
    [InlineData(true, "ssl.keystore.location", "/x", "These security configs can be dynamically updated only per-listener using the listener prefix: Set(ssl.keystore.location)")]
    [InlineData(false, "advertised.listeners", "PLAINTEXT://h:1", "Cannot update these configs at default cluster level, broker id must be specified: Set(advertised.listeners)")]
    [InlineData(true, "message.max.bytes", "-1", "Invalid value -1 for configuration message.max.bytes: Value must be at least 0")]
    [InlineData(false, "log.cleaner.threads", "x", "Invalid value x for configuration log.cleaner.threads: Not a number of type INT")]
    [InlineData(true, "num.io.threads", "3", "Dynamic thread count update validation failed for num.io.threads=3, value should be at least half the current value 8")]
    [InlineData(true, "num.io.threads", "17", "Dynamic thread count update validation failed for num.io.threads=17, value should not be greater than double the current value 8")]
    public void RefusedChanges(bool perBroker, string key, string value, string message)
    {
        var problem = Valid().ValidateDynamic(Map((key, value)), perBroker);

        Assert.Equal(ConfigProblemKind.Value, problem!.Kind);
        Assert.Equal(message, problem.Message);
    }

    [Theory]
    [InlineData(true, "num.io.threads", "16")]
    [InlineData(false, "log.retention.ms", "1000")]
    [InlineData(true, "advertised.listeners", "PLAINTEXT://h:1")]
    [InlineData(true, "leader.replication.throttled.rate", "1000")]
    [InlineData(true, "some.plugin.key", "x")]
    public void AllowedChanges(bool perBroker, string key, string value) => Assert.Null(Valid().ValidateDynamic(Map((key, value)), perBroker));

    [Fact]
    public void ListenersAreCheckedTogether() =>
        Assert.Contains("subset of the ones defined in listeners", Valid().ValidateDynamic(Map(("advertised.listeners", "SSL://h:1")), perBroker: true)!.Message, StringComparison.Ordinal);

    [Fact]
    public void OperationsOnLists()
    {
        var present = Map(("cleanup.policy", "delete"), ("segment.bytes", "1000"));
        ConfigOperation[] operations =
        [
            new("cleanup.policy", ConfigOperationType.Append, "compact,delete"),
            new("segment.bytes", ConfigOperationType.Delete, null),
            new("leader.replication.throttled.replicas", ConfigOperationType.Append, "0:1"),
            new("retention.ms", ConfigOperationType.Set, "5"),
        ];

        Assert.Null(ConfigAlteration.ApplyToTopic(present, operations, out var result));
        Assert.Equal(Map(("cleanup.policy", "delete,compact"), ("leader.replication.throttled.replicas", "0:1"), ("retention.ms", "5")), result);

        Assert.Null(ConfigAlteration.ApplyToTopic(result, [new("cleanup.policy", ConfigOperationType.Subtract, "delete")], out var subtracted));
        Assert.Equal("compact", subtracted["cleanup.policy"]);
        Assert.Equal(2, present.Count);
    }

    [Theory]
    [InlineData("segment.bytes", ConfigOperationType.Append, "1", ConfigProblemKind.Config, "Config value append is not allowed for config key: segment.bytes")]
    [InlineData("segment.bytes", ConfigOperationType.Subtract, "1", ConfigProblemKind.Config, "Config value subtract is not allowed for config key: segment.bytes")]
    [InlineData("what", ConfigOperationType.Append, "1", ConfigProblemKind.Config, "Unknown config name: what")]
    [InlineData("segment.bytes", ConfigOperationType.Set, null, ConfigProblemKind.Request, "Null value not supported for : segment.bytes")]
    [InlineData("segment.bytes", (ConfigOperationType)9, "1", ConfigProblemKind.Request, "Unknown operation type 9 for config segment.bytes")]
    public void RefusedOperations(string key, ConfigOperationType type, string? value, ConfigProblemKind kind, string message) =>
        Assert.Equal(new ConfigProblem(kind, message), ConfigAlteration.ApplyToTopic(None, [new(key, type, value)], out _));

    [Fact]
    public void OneOperationForEachKey()
    {
        ConfigOperation set = new("retention.ms", ConfigOperationType.Set, "5");

        Assert.Equal("Error due to duplicate config keys", ConfigAlteration.ApplyToTopic(None, [set, set], out _)!.Message);
    }
}
