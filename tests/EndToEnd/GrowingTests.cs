using Broker.ZooKeeper.Tests;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>A single broker becomes three on ZooKeeper and one again, and a broker of Apache Kafka becomes one that needs nothing beside it.</summary>
public sealed class GrowingTests(ITestOutputHelper output)
{
    private const string Group = "travellers";
    private const string Load = "load";
    private const string Ledger = "ledger";

    private static readonly (string Name, int Partitions, Dictionary<string, string> Config)[] Topics =
    [
        ("plain", 2, new() { ["retention.ms"] = "864000000" }),
        ("compacted", 1, new() { ["cleanup.policy"] = "compact" }),
        ("transactional", 1, []),
        (Load, 2, []),
        (Ledger, 2, []),
    ];

    private static readonly string[] Settings =
    [
        "offsets.topic.num.partitions=3", "offsets.topic.replication.factor=1", "transaction.state.log.num.partitions=3", "transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1",
        "zookeeper.session.timeout.ms=6000", "replica.fetch.wait.max.ms=200", "group.initial.rebalance.delay.ms=0",
    ];

    [ZooKeeperFact(needsKafka: true)]
    public async Task A_single_broker_grows_to_three_and_shrinks_back_while_clients_go_on()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync();
        await using BrokerProcess first = await BrokerProcess.StartAsync(["broker.id=1", .. Settings]);
        string tree = $"zookeeper:{server.Address}/kafka", embedded = $"embedded:{first.DataDirectory}";
        await CreateTopicsAsync(first.Bootstrap);
        await WriteAsync(first.Bootstrap);
        await TransactAsync(first.Bootstrap, "alone");
        await CommitAsync(first.Bootstrap, 7);
        Dictionary<string, string> before = Describe(first);
        await using var load = new VerifiedLoad(first.Bootstrap, Load, 2, pauseMs: 5);
        await using var transactions = new TransactionalLoad(first.Bootstrap, Ledger, 2, "through-all", pauseMs: 20);
        await ProgressAsync("alone", () => first.Log);

        // To ZooKeeper by one restart.
        await first.StopAsync();
        await CopyAsync(embedded, tree);
        SetAside(first.DataDirectory);
        string[] shared = [$"zookeeper.connect={server.Address}/kafka", .. Settings];
        await first.RestartAsync(["broker.id=1", .. shared]);
        await ProgressAsync("on ZooKeeper", () => first.Log);
        AssertSame(before, Describe(first));

        // Two more, and everything on all three.
        BrokerProcess[] others = await Task.WhenAll(((int[])[2, 3]).Select(id => BrokerProcess.StartAsync([$"broker.id={id}", .. shared])));
        try
        {
            BrokerProcess[] all = [first, .. others];
            string bootstrap = string.Join(',', all.Select(b => b.Bootstrap));
            string Logs() => string.Join("\n----\n", all.Select(b => b.Log));
            var tool = new KafkaTool("3.9", bootstrap);
            await ReassignmentPlan.RunAsync(tool, ReassignmentPlan.OfAll(first.Home, "grow", bootstrap, 1, 2, 3), Logs);
            (await tool.RunAsync("leader-election", "--election-type preferred --all-topic-partitions")).Succeeded();
            await ProgressAsync("on three", Logs);
            Assert.Equal(7, Committed(bootstrap));

            // None of them is needed more than the others.
            foreach (BrokerProcess broker in all)
            {
                await broker.KillAsync();
                await ProgressAsync("while a broker is dead", Logs);
                Assert.Equal(7, Committed(bootstrap));
                await broker.RestartAsync();
                await InSyncAsync(bootstrap, 3, Logs);
            }

            await CommitAsync(bootstrap, 11);

            // Back to the first.
            await ReassignmentPlan.RunAsync(tool, ReassignmentPlan.OfAll(first.Home, "shrink", bootstrap, 1), Logs);
            await ProgressAsync("on one of three", Logs);
            foreach (BrokerProcess broker in others)
            {
                Assert.DoesNotContain(Directory.GetDirectories(broker.DataDirectory), d => !d.EndsWith("-delete", StringComparison.Ordinal));
                await broker.StopAsync();
            }
        }
        finally
        {
            foreach (BrokerProcess broker in others)
            {
                await broker.DisposeAsync();
            }
        }

        await first.StopAsync();
        await CopyAsync(tree, embedded);
        await first.RestartAsync(["broker.id=1", .. Settings]);
        await ProgressAsync("alone again", () => first.Log);
        await load.StopAsync(() => first.Log);
        await transactions.StopAsync(() => first.Log);
        TransactionalLoad.Check(first.Bootstrap, Ledger, 2, [transactions], () => first.Log);
        AssertSame(before, Describe(first));
        Assert.Equal(11, Committed(first.Bootstrap));
        await TransactAsync(first.Bootstrap, "again");
        Assert.Equal(["alone", "again"], TransactionsOf(first.Bootstrap));
        output.WriteLine($"{load.Acknowledged} records acknowledged, {transactions.Committed} transactions committed, {transactions.Aborted} aborted");

        async Task ProgressAsync(string when, Func<string> logs)
        {
            await load.ProgressAsync(when, logs);
            await transactions.ProgressAsync(when, logs);
        }
    }

    [ZooKeeperFact(needsKafka: true)]
    public async Task A_directory_of_Apache_Kafka_and_its_ZooKeeper_become_a_broker_that_needs_nothing_beside_it()
    {
        await using OracleKafka kafka = await OracleKafka.StartAsync("3.9", Settings);
        await CreateTopicsAsync(kafka.Bootstrap);
        await WriteAsync(kafka.Bootstrap);
        await TransactAsync(kafka.Bootstrap, "kafka");
        await CommitAsync(kafka.Bootstrap, 7);
        Dictionary<string, string> before = Describe(kafka);
        await kafka.StopBrokerAsync();
        await CopyAsync($"zookeeper:127.0.0.1:{kafka.Port - 1000}", $"embedded:{kafka.DataDirectory}");

        await using BrokerProcess broker = await BrokerProcess.StartOnAsync(kafka.DataDirectory, Settings);
        AssertSame(before, Describe(broker));
        Assert.Equal(7, Committed(broker.Bootstrap));
        await TransactAsync(broker.Bootstrap, "ours");
        await WriteAsync(broker.Bootstrap);
        await CommitAsync(broker.Bootstrap, 11);
        await broker.StopAsync();
        await broker.RestartAsync();
        Assert.Equal(11, Committed(broker.Bootstrap));
        Assert.Equal(["kafka", "ours"], TransactionsOf(broker.Bootstrap));
    }

    private static async Task CreateTopicsAsync(string bootstrap)
    {
        using IAdminClient admin = ReassignmentPlan.Admin(bootstrap);
        await admin.CreateTopicsAsync(Topics.Select(t => new TopicSpecification { Name = t.Name, NumPartitions = t.Partitions, ReplicationFactor = 1, Configs = t.Config }));
    }

    private static async Task WriteAsync(string bootstrap)
    {
        using IProducer<string, string> producer = TransactionalClient.Plain(bootstrap);
        await Task.WhenAll(Enumerable.Range(0, 300).SelectMany(i => ((string, int)[])[("plain", i % 2), ("compacted", 0)], (i, to) =>
            producer.ProduceAsync(new Confluent.Kafka.TopicPartition(to.Item1, to.Item2), new Message<string, string> { Key = $"key {i % 50}", Value = $"value {i}" })));
    }

    /// <summary>One transaction that is committed and one that is aborted, of a producer that is always the same one.</summary>
    private static async Task TransactAsync(string bootstrap, string what)
    {
        IProducer<string, string> producer = TransactionalClient.Start(bootstrap, "one");
        await using var ends = new Ends(producer);
        foreach (bool commits in (bool[])[true, false])
        {
            producer.BeginTransaction();
            await producer.WriteAsync("transactional", Enumerable.Range(0, 10).Select(i => $"{(commits ? what : "aborted")} {i}"));
            producer.End(commits);
        }
    }

    private static IEnumerable<string> TransactionsOf(string bootstrap) =>
        StoredRecords.Values(bootstrap, "transactional", 1, IsolationLevel.ReadCommitted).Select(v => v.Split(' ')[0]).Distinct();

    private static async Task CommitAsync(string bootstrap, long offset)
    {
        IConsumer<string, string> consumer = TransactionalClient.Consumer(bootstrap, Group);
        await using var ends = new Ends(consumer);
        // This call of the client has no limit of its own.
        await Task.Run(() => consumer.Commit([new TopicPartitionOffset("plain", 0, offset)])).WaitAsync(TransactionalClient.Patience);
    }

    private static long Committed(string bootstrap) => TransactionalClient.Committed(bootstrap, Group, new("plain", 0), IsolationLevel.ReadCommitted);

    private static void AssertSame(Dictionary<string, string> before, Dictionary<string, string> now) =>
        Assert.All(before, b => Assert.True(now[b.Key] == b.Value, $"{b.Key}\nbefore: {b.Value}\nnow:    {now[b.Key]}"));

    /// <summary>What must stay the same: records with their offsets, ids, configurations.</summary>
    private static Dictionary<string, string> Describe(IServerUnderTest server)
    {
        var found = new Dictionary<string, string>();
        using IAdminClient admin = ReassignmentPlan.Admin(server.Bootstrap);
        foreach ((string name, int partitions, _) in Topics.Where(t => t.Name is not (Load or Ledger)))
        {
            found[$"records of {name}"] = string.Join('\n', StoredRecords.Read(server.Bootstrap, name, partitions));
            found[$"id of {name}"] = File.ReadAllText(Path.Combine(server.DataDirectory, $"{name}-0", "partition.metadata"));
            DescribeConfigsResult config = admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Topic, Name = name }]).Result[0];
            found[$"configuration of {name}"] = string.Join('\n', config.Entries.Values.Where(e => e.Source == ConfigSource.DynamicTopicConfig).Select(e => $"{e.Name}={e.Value}").Order(StringComparer.Ordinal));
        }

        return found;
    }

    private static async Task InSyncAsync(string bootstrap, int replicas, Func<string> details)
    {
        using IAdminClient admin = ReassignmentPlan.Admin(bootstrap);
        await Eventually.TrueAsync(
            () => admin.GetMetadata(TimeSpan.FromSeconds(20)).Topics.TrueForAll(t => t.Partitions.TrueForAll(p => p.InSyncReplicas.Length == replicas)),
            $"all replicas are in sync\n{details()}", TimeSpan.FromSeconds(90), pauseMs: 200);
    }

    private static async Task CopyAsync(string from, string to)
    {
        CommandResult copied = await Command.RunAsync(Repository.BrokerExecutable, ["tree", "copy", "--from", from, "--to", to]);
        Assert.True(copied.ExitCode == 0, $"{copied.Output}{copied.Error}");
    }

    /// <summary>The old tree, as the page for users says: the way back copies a newer one to its place.</summary>
    private static void SetAside(string directory)
    {
        foreach (string file in Directory.GetFiles(directory, "coordination.*"))
        {
            File.Move(file, Path.Combine(Path.GetDirectoryName(directory)!, Path.GetFileName(file) + ".before"));
        }
    }
}
