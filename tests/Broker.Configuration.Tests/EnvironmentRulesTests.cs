using static Broker.Configuration.Tests.Settings;

namespace Broker.Configuration.Tests;

/// <summary>Environments of composes that are in use, by image.</summary>
public sealed class EnvironmentRulesTests
{
    [Theory]
    [InlineData("KAFKA_LOG_DIRS", "log.dirs")]
    [InlineData("KAFKA_LISTENER_NAME_SASL__SSL_SSL_KEYSTORE_LOCATION", "listener.name.sasl_ssl.ssl.keystore.location")]
    [InlineData("KAFKA_LISTENER_NAME_SASL__SSL_SCRAM___SHA___256_SASL_JAAS_CONFIG", "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config")]
    [InlineData("KAFKA_ZOOKEEPER_CLIENT_CNXN_SOCKET", "zookeeper.clientCnxnSocket")]
    public void ApacheAndConfluentNames(string variable, string key)
    {
        var settings = EnvironmentRules.Read(Map((variable, "x")));

        Assert.Equal(new ConfigEntry(key, "x", variable), Assert.Single(settings.Entries));
        Assert.Equal(ImageStyle.Kafka, settings.Style);
    }

    [Theory]
    [InlineData("KAFKA_OPTS")]
    [InlineData("KAFKA_HEAP_OPTS")]
    [InlineData("KAFKA_LOG4J_LOGGERS")]
    [InlineData("KAFKA_JMX_OPTS")]
    [InlineData("PATH")]
    [InlineData("KAFKA_PORT_9092_TCP_ADDR")]
    [InlineData("KAFKA_SERVICE_HOST")]
    public void VariablesThatAreNotKeys(string variable) => Assert.Empty(EnvironmentRules.Read(Map((variable, "x"))).Entries);

    [Fact]
    public void PortOfAKubernetesServiceIsNotAKey() => Assert.Empty(EnvironmentRules.Read(Map(("KAFKA_PORT", "tcp://10.0.0.1:9092"))).Entries);

    [Fact]
    public void ConfluentComposeWithZooKeeper()
    {
        var (config, settings) = Start(
            ("KAFKA_BROKER_ID", "1"),
            ("KAFKA_ZOOKEEPER_CONNECT", "zookeeper:2181"),
            ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://broker:29092,PLAINTEXT_HOST://localhost:9092"),
            ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT"),
            ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1"),
            ("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0"),
            ("KAFKA_JMX_PORT", "9101"),
            ("KAFKA_JMX_HOSTNAME", "localhost"));

        Assert.Equal(["PLAINTEXT://0.0.0.0:29092", "PLAINTEXT_HOST://0.0.0.0:9092"], config.Listeners.Select(listener => listener.ToString()));
        Assert.Equal(["PLAINTEXT://broker:29092", "PLAINTEXT_HOST://localhost:9092"], config.AdvertisedListeners.Select(listener => listener.ToString()));
        Assert.Equal(1, config.BrokerId);
        Assert.True(settings.IsAddressed);
    }

    [Fact]
    public void ApacheComposeWithKRaft()
    {
        var (config, settings) = Start(
            ("KAFKA_NODE_ID", "7"),
            ("KAFKA_PROCESS_ROLES", "broker,controller"),
            ("KAFKA_LISTENERS", "PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093"),
            ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://localhost:9092"),
            ("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER"),
            ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"),
            ("KAFKA_CONTROLLER_QUORUM_VOTERS", "7@localhost:9093"),
            ("KAFKA_NUM_PARTITIONS", "3"),
            ("CLUSTER_ID", "5L6g3nShT-eMCtK--X86sw"));

        Assert.Equal("PLAINTEXT://localhost:9092", Assert.Single(config.Listeners).ToString());
        Assert.Equal((7, 3), (config.BrokerId, config.Get(ConfigKeys.NumPartitions)));
        Assert.Equal("5L6g3nShT-eMCtK--X86sw", settings.ClusterId);
    }

    [Fact]
    public void WurstmeisterCompose()
    {
        var (config, settings) = Start(
            ("HOSTNAME", "c0ffee"),
            ("BROKER_IN_IMAGE", "1"),
            ("KAFKA_ADVERTISED_HOST_NAME", "192.168.99.100"),
            ("KAFKA_ZOOKEEPER_CONNECT", "zookeeper:2181"),
            ("KAFKA_CREATE_TOPICS", "Topic1:1:3,Topic2:1:1:compact"),
            ("KAFKA_LOG_RETENTION_HOURS", "2"),
            ("KAFKA_HEAP_OPTS", "-Xmx1G"));

        Assert.Equal(ImageStyle.Wurstmeister, settings.Style);
        Assert.Equal("PLAINTEXT://192.168.99.100:9092", Assert.Single(config.AdvertisedListeners).ToString());
        Assert.Equal("PLAINTEXT://:9092", Assert.Single(config.Listeners).ToString());
        Assert.Equal(["/kafka/kafka-logs-c0ffee"], config.LogDirs);
        Assert.Equal([new TopicToCreate("Topic1", 1, 3, null), new TopicToCreate("Topic2", 1, 1, "compact")], settings.Topics);
    }

    [Fact]
    public void WurstmeisterCommands()
    {
        var settings = EnvironmentRules.Read(
            Map(
                ("HOSTNAME_COMMAND", "show host"),
                ("PORT_COMMAND", "show port"),
                ("RACK_COMMAND", "show rack"),
                ("KAFKA_LISTENERS", "INSIDE://:9092,OUTSIDE://:9094"),
                ("KAFKA_ADVERTISED_LISTENERS", "INSIDE://:9092,OUTSIDE://_{HOSTNAME_COMMAND}:_{PORT_COMMAND}")),
            command => command switch { "show host" => "example.org\n", "show port" => "32000", _ => "r1" });

        Assert.Contains(settings.Entries, entry => entry is { Key: "advertised.listeners", Value: "INSIDE://:9092,OUTSIDE://example.org:32000" });
        Assert.Contains(settings.Entries, entry => entry is { Key: "broker.rack", Value: "r1", Origin: "RACK_COMMAND" });
        Assert.DoesNotContain(settings.Entries, entry => entry.Key == "advertised.host.name");
    }

    [Fact]
    public void WurstmeisterNeedsListenersBesideAdvertisedOnes()
    {
        var settings = EnvironmentRules.Read(Map(("BROKER_IMAGE_STYLE", "wurstmeister"), ("KAFKA_ADVERTISED_LISTENERS", "A://h:1")));

        Assert.Equal("KAFKA_ADVERTISED_LISTENERS is set and KAFKA_LISTENERS is not.", Assert.Single(settings.Errors).Reason);
    }

    [Fact]
    public void BitnamiCompose()
    {
        var (config, settings) = Start(
            ("BROKER_IN_IMAGE", "1"),
            ("ALLOW_PLAINTEXT_LISTENER", "yes"),
            ("KAFKA_BROKER_ID", "2"),
            ("KAFKA_CFG_ZOOKEEPER_CONNECT", "zookeeper:2181"),
            ("KAFKA_CFG_LISTENERS", "CLIENT://:9092,EXTERNAL://:9093"),
            ("KAFKA_CFG_ADVERTISED_LISTENERS", "CLIENT://kafka:9092,EXTERNAL://localhost:9093"),
            ("KAFKA_CFG_LISTENER_SECURITY_PROTOCOL_MAP", "CLIENT:PLAINTEXT,EXTERNAL:PLAINTEXT"),
            ("KAFKA_CFG_INTER_BROKER_LISTENER_NAME", "CLIENT"),
            ("KAFKA_CFG_MAX_REQUEST_PARTITION_SIZE_LIMIT", "5"),
            ("KAFKA_UNRELATED", "x"));

        Assert.Equal(ImageStyle.Bitnami, settings.Style);
        Assert.Equal(["CLIENT", "EXTERNAL"], config.Listeners.Select(listener => listener.Name));
        Assert.Equal(["/bitnami/kafka/data"], config.LogDirs);
        Assert.Equal(2, config.BrokerId);
        Assert.DoesNotContain(settings.Entries, entry => entry.Key == "unrelated");
    }

    [Fact]
    public void BitnamiListenerPrefixKeepsItsUnderscore() =>
        Assert.Equal("listener.name.sasl_ssl.ssl.client.auth", EnvironmentRules.Read(Map(("KAFKA_CFG_LISTENER_NAME_SASL_SSL_SSL_CLIENT_AUTH", "none"))).Entries[0].Key);

    [Fact]
    public void UnknownStyleAndTopicsAreErrors()
    {
        var settings = EnvironmentRules.Read(Map(("BROKER_IMAGE_STYLE", "nice"), ("KAFKA_CREATE_TOPICS", "just-a-name")));

        Assert.Equal(["nice is not a style of image.", "'just-a-name' does not describe a topic."], settings.Errors.Select(error => error.Reason));
    }

    private static (BrokerConfig Config, EnvironmentSettings Settings) Start(params (string Key, string Value)[] environment)
    {
        var settings = EnvironmentRules.Read(Map(environment));
        Assert.Empty(settings.Errors);
        var result = BrokerConfig.Parse([EmbeddedDefaults.Entries(settings.IsAddressed), settings.Defaults, settings.Entries]);
        Assert.Empty(result.Errors.Select(error => error.Reason));
        return (result.Config!, settings);
    }
}
