using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Broker.EndToEnd;

/// <summary>Where replicas may be and where they stay, when not all is as it should be. The same is expected of Apache Kafka 3.9.</summary>
public sealed class PlacementTests
{
    private const string Left = "left";

    [ZooKeeperFact]
    public Task Racks_are_said_by_all_or_none() => RacksAsync(BrokerKind.Ours);

    [ZooKeeperFact(needsKafka: true)]
    public Task Racks_are_said_by_all_or_none_with_Apache_Kafka_too() => RacksAsync(BrokerKind.Kafka);

    [ZooKeeperFact(needsKafka: true)]
    public Task A_replica_that_left_while_its_broker_was_dead_stays_on_its_disk() => LeaveAsync(BrokerKind.Ours);

    [ZooKeeperFact(needsKafka: true)]
    public Task A_replica_that_left_while_its_broker_was_dead_stays_on_its_disk_with_Apache_Kafka_too() => LeaveAsync(BrokerKind.Kafka);

    private static async Task RacksAsync(BrokerKind kind)
    {
        await using MemberCluster cluster = await MemberCluster.CreateAsync(2, id => id == 1 ? ["broker.rack=a"] : []);
        await Task.WhenAll(cluster.Members.Select(m => m.StartAsync(kind)));
        using IAdminClient admin = cluster.Admin();
        var placed = new TopicSpecification { Name = "placed", NumPartitions = 1, ReplicationFactor = -1, ReplicasAssignments = new() { [0] = [1, 2] } };
        var spread = new TopicSpecification { Name = "spread", NumPartitions = 1, ReplicationFactor = 2 };

        // Both live, as the controller knows: it would refuse an unknown broker.
        await Eventually.TrueAsync(() => cluster.Members.All(m => RawMetadata.AskAsync(m).Result.Brokers.Length == 2), $"both know both\n{cluster.Logs}");
        await admin.CreateTopicsAsync([placed]);
        CreateTopicsException refused = await Assert.ThrowsAsync<CreateTopicsException>(() => admin.CreateTopicsAsync([spread]));
        AssertRefused(kind, refused.Results[0].Error);
        CreatePartitionsException more = await Assert.ThrowsAsync<CreatePartitionsException>(() => admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = "placed", IncreaseTo = 2 }]));
        AssertRefused(kind, more.Results[0].Error);
    }

    /// <summary>Apache Kafka gives no reason.</summary>
    private static void AssertRefused(BrokerKind kind, Error error)
    {
        Assert.Equal(ErrorCode.Unknown, error.Code);
        Assert.Equal(kind == BrokerKind.Ours, error.Reason.Contains("Set broker.rack on brokers 2 too", StringComparison.Ordinal));
    }

    private static async Task LeaveAsync(BrokerKind kind)
    {
        await using MemberCluster cluster = await MemberCluster.CreateAsync(2, "zookeeper.session.timeout.ms=6000", "auto.leader.rebalance.enable=false");
        await Task.WhenAll(cluster.Members.Select(m => m.StartAsync(kind)));
        string home = Directory.CreateTempSubdirectory("placement-").FullName;
        try
        {
            using IAdminClient admin = cluster.Admin();
            await admin.CreateTopicsAsync([new TopicSpecification { Name = Left, NumPartitions = 1, ReplicationFactor = -1, ReplicasAssignments = new() { [0] = [1, 2] } }]);
            await InSyncAsync(cluster, Left, 1, 2);
            await ProduceAsync(cluster);
            await cluster[2].KillAsync();
            await InSyncAsync(cluster, Left, 1);
            var tool = new KafkaTool("3.9", cluster[1].Bootstrap);
            await ReassignmentPlan.RunAsync(tool, ReassignmentPlan.File(home, "away", [(Left, 0, [1])]), () => cluster.Logs);
            await ProduceAsync(cluster);

            // When it is in sync for what comes after, it has heard of all before.
            await cluster[2].StartAsync(kind);
            await Eventually.TrueAsync(() => RawMetadata.AskAsync(cluster[1]).Result.Brokers.Length == 2, $"broker 2 is back\n{cluster.Logs}");

            // A client of before may hold the broker that died for the controller still, and librdkafka hands its NOT_CONTROLLER on.
            using IAdminClient adminAfter = cluster.Admin(cluster[1]);
            await adminAfter.CreateTopicsAsync([new TopicSpecification { Name = "after", NumPartitions = 1, ReplicationFactor = -1, ReplicasAssignments = new() { [0] = [1, 2] } }]);
            await InSyncAsync(cluster, "after", 1, 2);
            Assert.True(Directory.Exists(Path.Combine(cluster[2].DataDirectory, $"{Left}-0")), cluster.Logs);
            Assert.True(kind == BrokerKind.Kafka || cluster[2].Log.Contains($"Topic {Left}: 1 partitions have logs here", StringComparison.Ordinal), cluster.Logs);

            // It is used again.
            await ReassignmentPlan.RunAsync(tool, ReassignmentPlan.File(home, "back", [(Left, 0, [1, 2])]), () => cluster.Logs);
            await InSyncAsync(cluster, Left, 1, 2);
            await cluster.StopAndCompareAsync();
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    private static async Task ProduceAsync(MemberCluster cluster)
    {
        using IProducer<Null, string> producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = cluster[1].Bootstrap, Acks = Acks.All }).SetLogHandler((_, _) => { }).Build();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => producer.ProduceAsync(new TopicPartition(Left, 0), new Message<Null, string> { Value = $"{i}" })));
    }

    private static Task InSyncAsync(MemberCluster cluster, string topic, params int[] brokers) =>
        cluster.UntilAsync(topic, ps => ps.All(p => p.Isr.Order().SequenceEqual(brokers)), $"in sync on {string.Join(", ", brokers)}");
}
