using Broker.ZooKeeper.Tests;

namespace Broker.EndToEnd;

/// <summary>One broker on a real ZooKeeper, with the clients and the tools that know ZooKeeper.</summary>
public sealed class ZooKeeperTests
{
    private static readonly string[] Lines = [.. Enumerable.Range(0, 1000).Select(i => $"record {i}")];

    [ZooKeeperFact]
    public async Task Clients_work_and_a_quick_restart_takes_its_registration_over()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync();
        await using BrokerProcess broker = await BrokerProcess.StartAsync($"zookeeper.connect={server.Address}/kafka", "offsets.topic.replication.factor=1");
        var kcat = new Kcat();
        await kcat.CreateTopicAsync(broker.Bootstrap, "t", 1);
        await kcat.ProduceAsync(broker.Bootstrap, "t", "lz4", Lines);
        Assert.Equal(Lines, await kcat.ConsumeAsync(broker.Bootstrap, "t", "g1", Lines.Length));

        // Its session lives on in ZooKeeper for a while: Apache Kafka would not start.
        await broker.KillAsync();
        await broker.RestartAsync();
        Assert.Contains("Took over the registration of broker 0", broker.Log, StringComparison.Ordinal);
        Assert.Equal(Lines, await kcat.ConsumeAsync(broker.Bootstrap, "t", "g2", Lines.Length));

        await broker.StopAsync();
        await broker.RestartAsync();
        Assert.Equal(Lines, await kcat.ConsumeAsync(broker.Bootstrap, "t", "g3", Lines.Length));
    }

    [ZooKeeperFact(needsKafka: true)]
    public async Task Tools_that_write_to_zookeeper_make_change_and_remove_topics()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync();
        await using BrokerProcess broker = await BrokerProcess.StartAsync($"zookeeper.connect={server.Address}/kafka");
        var old = new KafkaTool("2.8", broker.Bootstrap);
        string tree = $"--zookeeper {server.Address}/kafka";
        (await old.RunBareAsync("topics", $"{tree} --create --topic tool --partitions 2 --replication-factor 1 --config retention.ms=86400000")).Succeeded();
        await Eventually.TrueAsync(() => Partitions(broker, "tool") == 2, "the topic is there");
        await new Kcat().ProduceAsync(broker.Bootstrap, "tool", "none", Lines);

        (await old.RunBareAsync("topics", $"{tree} --alter --topic tool --partitions 3")).Succeeded();
        await Eventually.TrueAsync(() => Partitions(broker, "tool") == 3, "the topic has grown");
        CommandResult described = (await old.RunBareAsync("topics", $"{tree} --describe --topic tool")).Succeeded();
        Assert.Contains("Leader: 0", described.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Leader: none", described.Output, StringComparison.Ordinal);

        (await old.RunBareAsync("topics", $"{tree} --delete --topic tool")).Succeeded();
        await Eventually.TrueAsync(() => Partitions(broker, "tool") == 0, "the topic is gone");
    }

    [ZooKeeperFact(needsKafka: true)]
    public async Task A_topic_whose_nodes_are_removed_by_hand_is_gone_after_a_restart_and_can_be_made_again()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync();
        await using BrokerCluster cluster = await BrokerCluster.StartAsync(server.Address, _ => []);
        var client = new ConfluentDotnet();
        await cluster.CreateTopicAsync("doomed", [1, 2, 3], [2, 3, 1]);
        await cluster.CreateTopicAsync("kept", [3, 1, 2]);
        await client.ProduceAsync(cluster.Bootstrap, "doomed", "none", Lines);
        await client.ProduceAsync(cluster.Bootstrap, "kept", "none", Lines);

        string shell = Path.Combine(Repository.KafkaReleases!, "3.9", "bin", "zookeeper-shell.sh");
        (await Command.RunAsync(shell, [server.Address, "deleteall", "/brokers/topics/doomed"])).Succeeded();
        foreach (BrokerProcess broker in cluster.Brokers)
        {
            await broker.StopAsync();
        }

        await Task.WhenAll(cluster.Brokers.Select(broker => broker.RestartAsync()));
        await cluster.UntilAsync("kept", p => p.Count == 1 && p[0].InSyncReplicas.Length == 3, "the other topic is in sync");
        Assert.Equal([0, 0, 0], cluster.Brokers.Select(broker => Partitions(broker, "doomed")));
        Assert.All(cluster.Brokers, broker => Assert.Contains("Topic doomed is not in the cluster, but 2 partitions of it have logs here", broker.Log, StringComparison.Ordinal));

        // Made again it has nothing of the old records, which stay on the disk.
        await cluster.CreateTopicAsync("doomed", [1, 2, 3], [2, 3, 1]);
        await client.ProduceAsync(cluster.Bootstrap, "doomed", "none", Lines[..10]);
        Assert.Equal(10, StoredRecords.Read(cluster.Bootstrap, "doomed", 2).Count);
        Assert.Equal(Lines.Length, StoredRecords.Read(cluster.Bootstrap, "kept", 1).Count);
        Assert.All(cluster.Brokers, broker => Assert.Equal(2, Directory.GetDirectories(broker.DataDirectory, "doomed-*-stray").Length));
        foreach (BrokerProcess broker in cluster.Brokers)
        {
            await broker.StopAsync();
        }

        await Task.WhenAll(cluster.Brokers.Select(broker => broker.RestartAsync()));
        await cluster.UntilAsync("doomed", p => p.Count == 2 && p.All(q => q.InSyncReplicas.Length == 3), "the new topic is in sync after another restart");
        Assert.Equal(10, StoredRecords.Read(cluster.Bootstrap, "doomed", 2).Count);
    }

    [ZooKeeperFact]
    public async Task What_is_wrong_at_the_start_is_said_with_what_to_do()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync();
        await using BrokerProcess broker = await BrokerProcess.StartAsync($"zookeeper.connect={server.Address}/kafka");
        string home = Directory.CreateTempSubdirectory("broker-refused-").FullName;
        try
        {
            string taken = await RefusedAsync($"zookeeper.connect={server.Address}/kafka", "broker.id=1", $"log.dirs={home}/a",
                "listeners=PLAINTEXT://127.0.0.1:0", $"advertised.listeners=PLAINTEXT://127.0.0.1:{broker.Port}");
            Assert.Contains($"Configured end points 127.0.0.1:{broker.Port} in advertised listeners are already registered by broker 0", taken, StringComparison.Ordinal);

            string unreachable = await RefusedAsync("zookeeper.connect=127.0.0.1:1/kafka", "zookeeper.connection.timeout.ms=500", $"log.dirs={home}/b");
            Assert.Contains("Timed out waiting for connection while in state: CONNECTING", unreachable, StringComparison.Ordinal);
            Assert.Contains("127.0.0.1:1/kafka", unreachable, StringComparison.Ordinal);

            await broker.StopAsync();
            string lost = await RefusedAsync($"zookeeper.connect={server.Address}/elsewhere", "broker.id=0", $"log.dirs={broker.DataDirectory}");
            Assert.Contains("Invalid cluster.id in: ", lost, StringComparison.Ordinal);
            Assert.Contains($"{server.Address}/elsewhere", lost, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    [ZooKeeperFact]
    public async Task A_tree_that_Kafka_brokers_would_not_start_on_is_copied_with_a_warning()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync();
        await using BrokerProcess broker = await BrokerProcess.StartAsync();
        await broker.StopAsync();
        CommandResult copied = (await CopyAsync()).Succeeded();
        Assert.Contains("Warning: transaction.version is in force at level 2.", copied.Error, StringComparison.Ordinal);
        Assert.Contains("downgrade --feature transaction.version=0", copied.Error, StringComparison.Ordinal);

        await using (BrokerProcess onZooKeeper = await BrokerProcess.StartOnAsync(broker.DataDirectory, $"zookeeper.connect={server.Address}/kafka"))
        {
            using RawConnection connection = await RawConnection.OpenAsync(onZooKeeper.Port);
            Assert.Equal(2, await RawFeatures.LevelAsync(connection));
            Assert.Equal(0, await RawFeatures.SetAsync(connection, 0, isDowngrade: true));
            Assert.Equal(0, await RawFeatures.LevelAsync(connection));
        }

        Task<CommandResult> CopyAsync() => Command.RunAsync(Repository.BrokerExecutable, ["tree", "copy", "--from", $"embedded:{broker.DataDirectory}", "--to", $"zookeeper:{server.Address}/kafka"]);
    }

    private static async Task<string> RefusedAsync(params string[] settings)
    {
        string[] all = ["listeners=PLAINTEXT://127.0.0.1:0", .. settings];
        CommandResult result = await Command.RunAsync(Repository.BrokerExecutable, all.SelectMany(s => (string[])["--override", s]));
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("Exiting Kafka due to fatal exception during startup", result.Error, StringComparison.Ordinal);
        return result.Error;
    }

    private static int Partitions(BrokerProcess broker, string topic)
    {
        using Confluent.Kafka.IAdminClient admin = new Confluent.Kafka.AdminClientBuilder(new Confluent.Kafka.AdminClientConfig { BootstrapServers = broker.Bootstrap }).Build();
        return admin.GetMetadata(TimeSpan.FromSeconds(10)).Topics.Find(t => t.Topic == topic)?.Partitions.Count ?? 0;
    }
}
