using Broker.ZooKeeper.Tests;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>Three brokers whose partitions are moved by Kafka's own tools under load.</summary>
public sealed class ReassignmentTests(ITestOutputHelper output)
{
    // Small fetches, so that a throttle lets little pass at once, and the tools meet reassignments that are under way.
    private static readonly string[] Settings = ["auto.leader.rebalance.enable=false", "replica.fetch.max.bytes=65536", "replica.fetch.wait.max.ms=200", "group.initial.rebalance.delay.ms=0"];

    [ZooKeeperFact(needsKafka: true)]
    public async Task Nothing_acknowledged_is_lost_while_partitions_move()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync();
        BrokerProcess[] brokers = await StartAsync(server, 0, 1, 2);
        string home = Directory.CreateTempSubdirectory("reassign-").FullName;
        try
        {
            string bootstrap = string.Join(',', brokers.Select(b => b.Bootstrap));
            string Logs() => string.Join("\n----\n", brokers.Select(b => b.Log));
            var tool = new KafkaTool("3.9", bootstrap);
            (await tool.RunAsync("topics", "--create --topic moved --replica-assignment 0:1,1:2,2:0 --config min.insync.replicas=2")).Succeeded();
            await using var load = new VerifiedLoad(bootstrap, "moved", 3, pauseMs: 2);
            await load.ProgressAsync("at first", Logs);

            // There, slowly, with a broker that is killed and comes back; back again; and at last to another number of replicas.
            string away = ReassignmentPlan.File(home, "away", [("moved", 0, [2, 1]), ("moved", 1, [0, 2]), ("moved", 2, [1, 0])]);
            (await tool.RunAsync("reassign-partitions", $"--execute --throttle 200000 --reassignment-json-file {away}")).Succeeded();
            await load.ProgressAsync("while replicas are added", Logs);
            await brokers[2].KillAsync();
            await brokers[2].RestartAsync();
            await load.ProgressAsync("after a kill", Logs);
            await ReassignmentPlan.FinishedAsync(tool, Logs);
            (await tool.RunAsync("reassign-partitions", $"--verify --reassignment-json-file {away}")).Succeeded();
            await load.ProgressAsync("after the first", Logs);

            string back = ReassignmentPlan.File(home, "back", [("moved", 0, [0, 1]), ("moved", 1, [1, 2]), ("moved", 2, [2, 0])]);
            (await tool.RunAsync("reassign-partitions", $"--execute --throttle 20000 --reassignment-json-file {back}")).Succeeded();
            (await tool.RunAsync("reassign-partitions", $"--cancel --reassignment-json-file {back}")).Succeeded();
            await load.ProgressAsync("after it was cancelled", Logs);
            await ReassignmentPlan.RunAsync(tool, ReassignmentPlan.File(home, "all", [("moved", 0, [0, 1, 2]), ("moved", 1, [1, 2, 0]), ("moved", 2, [2, 0, 1])]), Logs);
            await load.ProgressAsync("with three replicas", Logs);
            (await tool.RunAsync("leader-election", "--election-type preferred --all-topic-partitions")).Succeeded();
            await load.ProgressAsync("after the election", Logs);
            await load.StopAsync(Logs);
            output.WriteLine($"{load.Acknowledged} records acknowledged");
        }
        finally
        {
            await StopAsync(brokers);
            Directory.Delete(home, recursive: true);
        }
    }

    [ZooKeeperFact(needsKafka: true)]
    public async Task A_tool_that_writes_to_ZooKeeper_moves_partitions()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync();
        BrokerProcess[] brokers = await StartAsync(server, 0, 1);
        string home = Directory.CreateTempSubdirectory("reassign-").FullName;
        try
        {
            var old = new KafkaTool("2.8", brokers[0].Bootstrap);
            (await new KafkaTool("3.9", brokers[0].Bootstrap).RunAsync("topics", "--create --topic moved --replica-assignment 0,0")).Succeeded();
            await new Kcat().ProduceAsync(brokers[0].Bootstrap, "moved", "none", [.. Enumerable.Range(0, 1000).Select(i => $"record {i}")]);
            string plan = ReassignmentPlan.File(home, "plan", [("moved", 0, [1]), ("moved", 1, [1, 0])]);
            string arguments = $"--zookeeper {server.Address}/kafka --reassignment-json-file {plan}";
            CommandResult executed = (await old.RunBareAsync("reassign-partitions", $"{arguments} --execute")).Succeeded();
            Assert.Contains("Successfully started partition reassignments for moved-0,moved-1", executed.Output, StringComparison.Ordinal);
            using IAdminClient admin = ReassignmentPlan.Admin(brokers[1].Bootstrap);
            await Eventually.TrueAsync(
                () => admin.GetMetadata("moved", TimeSpan.FromSeconds(10)).Topics[0].Partitions.OrderBy(p => p.PartitionId).Select(p => string.Join(',', p.Replicas)).SequenceEqual(["1", "1,0"]),
                $"the partitions have moved\n{string.Join("\n----\n", brokers.Select(b => b.Log))}", pauseMs: 100);
            CommandResult verified = (await old.RunBareAsync("reassign-partitions", $"{arguments} --verify")).Succeeded();
            Assert.Contains("Reassignment of partition moved-0 is complete.", verified.Output, StringComparison.Ordinal);
            Assert.Contains("Reassignment of partition moved-1 is complete.", verified.Output, StringComparison.Ordinal);
            Assert.Equal(1000, StoredRecords.Read(brokers[1].Bootstrap, "moved", 2).Count);
        }
        finally
        {
            await StopAsync(brokers);
            Directory.Delete(home, recursive: true);
        }
    }

    private static Task<BrokerProcess[]> StartAsync(ZooKeeperServer server, params int[] ids) => Task.WhenAll(ids.Select(id => BrokerProcess.StartAsync(
        [$"broker.id={id}", $"zookeeper.connect={server.Address}/kafka", "zookeeper.session.timeout.ms=6000", "offsets.topic.replication.factor=2", "transaction.state.log.replication.factor=2", "transaction.state.log.min.isr=1", .. Settings])));

    private static async Task StopAsync(BrokerProcess[] brokers)
    {
        foreach (BrokerProcess broker in brokers)
        {
            await broker.DisposeAsync();
        }
    }
}
