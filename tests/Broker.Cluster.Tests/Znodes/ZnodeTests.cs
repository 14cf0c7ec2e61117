using System.Text.Json.Nodes;
using Broker.Protocol;
using static Broker.Cluster.Tests.Trees;

namespace Broker.Cluster.Tests;

/// <summary>Znodes against the texts that Kafka writes.</summary>
public sealed class ZnodeTests
{
    private const string Id = "AAAAAAAAAAAAAAAAAAAAAQ";

    private static readonly NodeStat Stat = new(77, 78, 77, 0, 0, 0, 0, 1, 0, 0);

    private static void AssertJson(string expected, byte[] actual) =>
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(actual)), $"Expected {expected}, got {Text(actual)}");

    private static BrokerImage Broker(string json) => BrokerZnode.Decode(3, new TreeNode(Bytes(json), Stat));

    [Fact]
    public void Cluster_id()
    {
        AssertJson($$"""{"version":"1","id":"{{Id}}"}""", ClusterIdZnode.Encode(Id));
        Assert.Equal(Id, ClusterIdZnode.Decode(Bytes($$"""{"version":"1","id":"{{Id}}","more":1}""")));
    }

    [Fact]
    public void Broker_is_written_in_form_5()
    {
        var endpoints = new Dictionary<string, EndpointImage>
        {
            ["TLS"] = new("secure.example", 9093, "SSL"),
            ["IN"] = new("::1", 9092, "PLAINTEXT"),
        };

        AssertJson(
            """
            {"version":5,"host":"::1","port":9092,"endpoints":["TLS://secure.example:9093","IN://[::1]:9092"],"jmx_port":-1,"timestamp":"1700000000123",
             "listener_security_protocol_map":{"TLS":"SSL","IN":"PLAINTEXT"},"features":{"transaction.version":{"min_version":1,"max_version":2}},"rack":"r1"}
            """,
            BrokerZnode.Encode(endpoints, "r1", 1700000000123));
        endpoints.Remove("IN");
        AssertJson(
            """
            {"version":5,"host":null,"port":-1,"endpoints":["TLS://secure.example:9093"],"jmx_port":-1,"timestamp":"5",
             "listener_security_protocol_map":{"TLS":"SSL"},"features":{"transaction.version":{"min_version":1,"max_version":2}}}
            """,
            BrokerZnode.Encode(endpoints, null, 5));
    }

    [Theory]
    [InlineData("""{"version":1,"host":"h","port":9092,"jmx_port":-1,"timestamp":"1"}""", "PLAINTEXT", "PLAINTEXT", null)]
    [InlineData("""{"version":2,"host":"h","port":9092,"jmx_port":-1,"timestamp":"1","endpoints":["SSL://h:9092"]}""", "SSL", "SSL", null)]
    [InlineData("""{"version":3,"host":"h","port":9092,"endpoints":["SSL://h:9092"],"rack":"r"}""", "SSL", "SSL", "r")]
    [InlineData("""{"version":4,"endpoints":["OUT://h:9092"],"listener_security_protocol_map":{"OUT":"SASL_SSL"},"rack":null}""", "OUT", "SASL_SSL", null)]
    [InlineData("""{"version":5,"endpoints":["OUT://h:9092"],"listener_security_protocol_map":{"OUT":"SSL"},"features":{"x":{"min_version":1}},"new":[]}""", "OUT", "SSL", null)]
    public void Broker_is_read_from_every_form(string json, string listener, string protocol, string? rack)
    {
        BrokerImage broker = Broker(json);

        Assert.Equal((3, 77L, rack), (broker.Id, broker.Epoch, broker.Rack));
        Assert.Equal(new EndpointImage("h", 9092, protocol), broker.Endpoint(listener));
    }

    [Fact]
    public void Broker_endpoints_may_be_ipv6_or_without_host()
    {
        BrokerImage broker = Broker("""{"version":4,"endpoints":["A://[fe80::1]:1","B://:2"],"listener_security_protocol_map":{"A":"SSL","B":"SSL"}}""");

        Assert.Equal(("fe80::1", 1, "", 2), (broker.Endpoint("A")!.Host, broker.Endpoint("A")!.Port, broker.Endpoint("B")!.Host, broker.Endpoint("B")!.Port));
        Assert.Null(broker.Endpoint("C"));
    }

    [Fact]
    public void Topic_is_written_in_form_3_and_read_from_every_form()
    {
        Uuids.TryParse(Id, out Guid id);
        var topic = new TopicZnode(id, [[1, 2], [2, 1]]);
        AssertJson($$"""{"version":3,"partitions":{"0":[1,2],"1":[2,1]},"adding_replicas":{},"removing_replicas":{},"topic_id":"{{Id}}"}""", topic.Encode());

        TopicZnode first = TopicZnode.Decode("t", Bytes("""{"version":1,"partitions":{"1":[2,1],"0":[1,2],"10":[3],"2":[1],"3":[1],"4":[1],"5":[1],"6":[1],"7":[1],"8":[1],"9":[1]}}"""));
        Assert.Equal((Guid.Empty, 11), (first.TopicId, first.Replicas.Count));
        Assert.Equal([2, 1], first.Replicas[1]);
        Assert.Equal([3], first.Replicas[10]);

        TopicZnode second = TopicZnode.Decode("t", Bytes("""{"version":2,"partitions":{"0":[1,2,3]},"adding_replicas":{"0":[3]},"removing_replicas":{"0":[1]}}"""));
        Assert.Equal([3], second.Adding[0]);
        Assert.Equal([1], second.Removing[0]);
        AssertJson($$"""{"version":3,"partitions":{"0":[1,2,3]},"adding_replicas":{"0":[3]},"removing_replicas":{"0":[1]},"topic_id":"{{Id}}"}""", (second with { TopicId = id }).Encode());

        Assert.Equal(id, TopicZnode.Decode("t", topic.Encode()).TopicId);
    }

    [Fact]
    public void Partition_state()
    {
        AssertJson("""{"controller_epoch":5,"leader":1,"version":1,"leader_epoch":3,"isr":[1,2,3]}""", new PartitionStateZnode(5, 1, 3, [1, 2, 3]).Encode());
        PartitionStateZnode state = PartitionStateZnode.Decode("p", Bytes("""{"controller_epoch":5,"leader":-1,"version":1,"leader_epoch":3,"isr":[1],"leader_recovery_state":1}"""));
        Assert.Equal((5, -1, 3, 1), (state.ControllerEpoch, state.Leader, state.LeaderEpoch, state.LeaderRecoveryState));
        AssertJson("""{"controller_epoch":6,"leader":-1,"version":1,"leader_epoch":3,"isr":[1],"leader_recovery_state":1}""", (state with { ControllerEpoch = 6 }).Encode());
    }

    [Fact]
    public void Controller_and_its_epoch()
    {
        AssertJson("""{"version":2,"brokerid":4,"timestamp":"9","kraftControllerEpoch":-1}""", ControllerZnode.Encode(4, 9));
        Assert.Equal(4, ControllerZnode.DecodeBrokerId(Bytes("""{"version":1,"brokerid":4,"timestamp":"9"}""")));
        Assert.Equal("17", Text(ControllerEpochZnode.Encode(17)));
        Assert.Equal(17, ControllerEpochZnode.Decode(Bytes("17")));
        Assert.Throws<InvalidDataException>(() => ControllerEpochZnode.Decode(Bytes("x")));
        Assert.Throws<InvalidDataException>(() => ControllerEpochZnode.Decode([]));
    }

    [Fact]
    public void Configs_and_their_changes()
    {
        AssertJson("""{"version":1,"config":{"a":"1","b":"<x> ü"}}""", ConfigZnode.Encode(new Dictionary<string, string> { ["b"] = "<x> ü", ["a"] = "1" }));
        Assert.Equal(new Dictionary<string, string> { ["a"] = "1" }, ConfigZnode.Decode("p", Bytes("""{"version":1,"config":{"a":"1"},"x":{}}""")));
        Assert.Empty(ConfigZnode.Decode("p", []));

        Assert.Equal("""{"version":2,"entity_path":"brokers/<default>"}""", Text(ConfigChangeZnode.Encode("brokers/<default>")));
        Assert.Equal("topics/t", ConfigChangeZnode.Decode("p", Bytes("""{"version":2,"entity_path":"topics/t"}""")));
        Assert.Equal("topics/t", ConfigChangeZnode.Decode("p", Bytes("""{"version":1,"entity_type":"topics","entity_name":"t"}""")));
        Assert.Null(ConfigChangeZnode.Decode("p", Bytes("topics")));
        Assert.Throws<InvalidDataException>(() => ConfigChangeZnode.Decode("p", Bytes("""{"version":2}""")));
    }

    [Fact]
    public void Producer_id_block()
    {
        AssertJson("""{"version":1,"broker":1,"block_start":"0","block_end":"999"}""", new ProducerIdBlockZnode(1, 0, 999).Encode());
        Assert.Equal(new ProducerIdBlockZnode(2, 9007199254740993, 9007199254741992), ProducerIdBlockZnode.Decode(Bytes("""{"version":1,"broker":2,"block_start":"9007199254740993","block_end":"9007199254741992"}""")));
        Assert.Null(ProducerIdBlockZnode.Decode([]));
    }

    [Fact]
    public void Features()
    {
        AssertJson("""{"version":2,"status":1,"features":{}}""", FeatureZnode.Encode(new Dictionary<string, short>()));
        AssertJson("""{"version":2,"status":1,"features":{"a":1,"b":2}}""", FeatureZnode.Encode(new Dictionary<string, short> { ["b"] = 2, ["a"] = 1 }));
        Assert.Equal(new Dictionary<string, short> { ["f"] = 3 }, FeatureZnode.Decode(Bytes("""{"version":2,"status":1,"features":{"f":3}}""")));
        Assert.Equal(new Dictionary<string, short> { ["f"] = 2 }, FeatureZnode.Decode(Bytes("""{"version":1,"status":1,"features":{"f":{"min_version_level":1,"max_version_level":2}}}""")));
    }

    [Fact]
    public void Elections_and_reassignments()
    {
        TopicPartition partition = new("t", 4);
        const string Election = """{"version":1,"partitions":[{"topic":"t","partition":4}]}""";
        AssertJson(Election, PreferredElectionZnode.Encode([partition]));
        Assert.Equal([partition], PreferredElectionZnode.Decode(Bytes(Election)));

        const string Reassignment = """{"version":1,"partitions":[{"topic":"t","partition":4,"replicas":[1,2]}]}""";
        AssertJson(Reassignment, ReassignmentZnode.Encode(new Dictionary<TopicPartition, int[]> { [partition] = [1, 2] }));
        Assert.Equal([1, 2], ReassignmentZnode.Decode(Bytes("""{"version":1,"partitions":[{"topic":"t","partition":4,"replicas":[1,2],"log_dirs":["any"]}]}"""))[partition]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("7")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{"version":4,"partitions":null,"endpoints":null,"config":null,"id":null,"brokerid":null,"isr":null,"block_start":null,"features":null}""")]
    [InlineData("""{"version":4,"partitions":{"x":[1]},"endpoints":[null],"config":{"a":1},"id":1,"brokerid":"1","isr":{},"broker":1,"block_start":"x","features":[]}""")]
    [InlineData("""{"version":4,"partitions":{"1":[1]},"endpoints":["h:1"],"config":{"a":null},"id":{},"brokerid":1.5,"isr":[],"leader":1,"features":{"f":"1"}}""")]
    [InlineData("""{"version":4,"partitions":{"0":["1"]},"endpoints":["A://h:99999"],"config":[],"id":[],"brokerid":99999999999,"features":{"f":99999}}""")]
    [InlineData("""{"version":4,"partitions":[{"topic":null,"partition":1}],"endpoints":["A://h:1"],"listener_security_protocol_map":{},"config":"","id":null,"brokerid":[],"features":1}""")]
    public void What_cannot_be_understood_names_its_path(string json)
    {
        byte[] data = Bytes(json);
        (string Path, Action Read)[] readers =
        [
            ("/cluster/id", () => ClusterIdZnode.Decode(data)),
            ("/brokers/ids/3", () => Broker(json)),
            ("/brokers/topics/t", () => TopicZnode.Decode("t", data)),
            ("/brokers/topics/t/partitions/0/state", () => PartitionStateZnode.Decode(ZnodePaths.State("t", 0), data)),
            ("/controller", () => ControllerZnode.DecodeBrokerId(data)),
            ("/config/topics/t", () => ConfigZnode.Decode(ZnodePaths.TopicConfig("t"), data)),
            ("/latest_producer_id_block", () => ProducerIdBlockZnode.Decode(data)),
            ("/feature", () => FeatureZnode.Decode(data)),
            ("/admin/preferred_replica_election", () => PreferredElectionZnode.Decode(data)),
            ("/admin/reassign_partitions", () => ReassignmentZnode.Decode(data)),
        ];
        foreach ((string path, Action read) in readers)
        {
            if (json.Length > 0 || path is not ("/config/topics/t" or "/latest_producer_id_block"))
            {
                InvalidDataException error = Assert.Throws<InvalidDataException>(read);
                Assert.Contains($"Node {path} ", error.Message, StringComparison.Ordinal);
            }
        }
    }
}
