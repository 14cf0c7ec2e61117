using System.Text.RegularExpressions;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>The same story told to three brokers and to three of Apache Kafka 3.9, by Kafka's own tools: what they print is the same, ids and the order of replicas in sync aside.</summary>
public sealed partial class ClusterToolsTests(ITestOutputHelper output)
{
    [ZooKeeperFact(needsKafka: true)]
    public async Task Tools_print_what_they_print_with_Apache_Kafka()
    {
        using JavaProgram tools = await ToolShell.CompileAsync();
        List<string>[] transcripts = await Task.WhenAll(((BrokerKind[])[BrokerKind.Kafka, BrokerKind.Ours]).Select(kind => Task.Run(() => TellAsync(tools, kind))));
        string[] different = [.. transcripts[0].Zip(transcripts[1]).Where(pair => pair.First != pair.Second).Select(pair => $"Kafka: {pair.First}\nours:  {pair.Second}")];
        output.WriteLine($"{transcripts[0].Count} commands\n{string.Join("\n\n", transcripts[0])}");
        Assert.True(different.Length == 0, $"{different.Length} commands of {transcripts[0].Count} print something else\n{string.Join("\n\n", different)}");
    }

    private static async Task<List<string>> TellAsync(JavaProgram tools, BrokerKind kind)
    {
        // Small fetches, so that a throttle lets little pass at once, and the tools meet reassignments that are under way.
        await using MemberCluster cluster = await MemberCluster.CreateAsync(
            3, "auto.leader.rebalance.enable=false", "replica.fetch.max.bytes=65536", "replica.fetch.wait.max.ms=200", "group.initial.rebalance.delay.ms=0", "zookeeper.session.timeout.ms=6000",
            "offsets.topic.replication.factor=3", "offsets.topic.num.partitions=3", "default.replication.factor=2");
        await Task.WhenAll(cluster.Members.Select(m => m.StartAsync(kind)));
        await using ToolShell shell = ToolShell.Start(tools, cluster.Bootstrap);
        var story = new Story(cluster, shell);
        await story.TellAsync();
        return story.Told;
    }

    private sealed class Story(MemberCluster cluster, ToolShell shell)
    {
        private readonly string _home = Directory.CreateTempSubdirectory("reassign-").FullName;

        public List<string> Told { get; } = [];

        public async Task TellAsync()
        {
            try
            {
                await ReassignAsync();
                await ElectAsync();
                await ConfigureAsync();
            }
            finally
            {
                Directory.Delete(_home, recursive: true);
            }
        }

        private async Task ReassignAsync()
        {
            string plan = ReassignmentPlan.File(_home, "plan", [("moved", 0, [3, 1]), ("moved", 1, [1]), ("moved", 2, [1, 2, 3])]);
            string topics = Path.Combine(_home, "topics.json");
            await File.WriteAllTextAsync(topics, """{"version":1,"topics":[{"topic":"moved"}]}""");
            await RunAsync("topics", "--create --topic moved --replica-assignment 1:2,2:3,3:1");
            await FillAsync();

            // What it proposes begins at any broker.
            bool proposes = false;
            await RunAsync("reassign-partitions", $"--generate --topics-to-move-json-file {topics} --broker-list 1,2,3", l => !proposes && ((proposes = l.StartsWith("Proposed", StringComparison.Ordinal)) || true));
            await RunAsync("reassign-partitions", "--list");
            await RunAsync("reassign-partitions", $"--execute --throttle 10000 --reassignment-json-file {plan}");
            await RunAsync("reassign-partitions", "--list");
            await RunAsync("topics", "--describe --topic moved");
            await RunAsync("topics", "--describe --under-replicated-partitions");
            await RunAsync("topics", "--describe --under-min-isr-partitions");
            await RunAsync("topics", "--describe --at-min-isr-partitions --topic moved");
            await RunAsync("reassign-partitions", $"--execute --reassignment-json-file {plan}");
            await RunAsync("reassign-partitions", $"--verify --reassignment-json-file {plan}");
            await RunAsync("configs", "--describe --entity-type topics --entity-name moved");
            await RunAsync("configs", "--describe --entity-type brokers --entity-name 2");
            await RunAsync("topics", "--alter --topic moved --partitions 5");
            await RunAsync("leader-election", "--election-type preferred --topic moved --partition 0");
            await RunAsync("reassign-partitions", $"--cancel --reassignment-json-file {plan}");

            // Without the throttle the one that cannot be cancelled, since nobody would be left over, soon ends.
            await FinishedAsync();
            await RunAsync("reassign-partitions", $"--cancel --reassignment-json-file {plan}");
            await RunAsync("reassign-partitions", "--list");
            await RunAsync("topics", "--describe --topic moved");
            await RunAsync("configs", "--describe --entity-type topics --entity-name moved");
            await RunAsync("configs", "--describe --entity-type brokers --entity-name 2");

            await RunAsync("reassign-partitions", $"--execute --reassignment-json-file {plan}");
            await FinishedAsync();
            await RunAsync("reassign-partitions", $"--verify --reassignment-json-file {plan}");
            await RunAsync("topics", "--describe --topic moved");
            await RunAsync("leader-election", "--election-type preferred --topic moved --partition 0");
            await RunAsync("leader-election", "--election-type preferred --topic moved --partition 0");
            await RunAsync("leader-election", "--election-type unclean --topic moved --partition 0");
            await RunAsync("leader-election", "--election-type preferred --topic moved --partition 9");
            await RunAsync("leader-election", "--election-type preferred --topic nobody --partition 0");
            await RunAsync("topics", "--describe --topic moved");
            foreach ((string name, int partition, int[] replicas) in ((string, int, int[])[])[("moved", 0, [2, 9]), ("moved", 0, [2, 2]), ("moved", 0, []), ("moved", 7, [1]), ("nobody", 0, [1]), ("moved", 0, [1, 3])])
            {
                await RunAsync("reassign-partitions", $"--execute --reassignment-json-file {ReassignmentPlan.File(_home, "odd", [(name, partition, replicas)])}");
            }

            Told.Add($"one replica where two shall be in sync: {await ProduceAsync()}");
        }

        /// <summary>Where nobody in sync is left.</summary>
        private async Task ElectAsync()
        {
            await RunAsync("topics", "--create --topic lost --replica-assignment 2:3,1:3 --config min.insync.replicas=1");
            await cluster[3].StopAsync();
            await UntilAsync("lost", ps => ps.TrueForAll(p => p.InSyncReplicas.Length == 1));
            await RunAsync("topics", "--describe --topic lost");
            await RunAsync("topics", "--describe --topic lost --under-replicated-partitions");
            await RunAsync("topics", "--describe --topic lost --at-min-isr-partitions");
            await cluster[2].StopAsync();
            await UntilAsync("lost", ps => ps.Exists(p => p.Leader < 0));
            await RunAsync("topics", "--describe --topic lost");
            await RunAsync("topics", "--describe --topic lost --unavailable-partitions");
            await RunAsync("leader-election", "--election-type preferred --topic lost --partition 0");
            await RunAsync("leader-election", "--election-type unclean --topic lost --partition 0");
            await cluster[3].StartAsync(cluster[3].Kind);
            await UntilAsync("lost", ps => ps.Exists(p => p.PartitionId == 1 && p.InSyncReplicas.Length == 2));
            await RunAsync("leader-election", "--election-type preferred --topic lost --partition 0");
            await RunAsync("leader-election", "--election-type unclean --topic lost --partition 0");
            await RunAsync("leader-election", "--election-type unclean --topic lost --partition 0");
            await RunAsync("topics", "--describe --topic lost");
            await cluster[2].StartAsync(cluster[2].Kind);
            await UntilAsync("lost", ps => ps.TrueForAll(p => p.InSyncReplicas.Length == 2));
            await RunAsync("topics", "--describe --topic lost");
        }

        private async Task ConfigureAsync()
        {
            await RunAsync("configs", "--alter --entity-type brokers --entity-default --add-config num.replica.fetchers=2,log.retention.ms=3600000");
            await RunAsync("configs", "--alter --entity-type brokers --entity-name 2 --add-config log.retention.ms=7200000");
            await Task.WhenAll(cluster.Members.Select(m => Eventually.TrueAsync(
                () => cluster.Ask(m, admin => admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Broker, Name = $"{m.Id}" }]).Result[0].Entries["log.retention.ms"].Value) == (m.Id == 2 ? "7200000" : "3600000"),
                $"broker {m.Id} knows its configuration\n{cluster.Logs}", pauseMs: 100)));
            await RunAsync("configs", "--describe --entity-type brokers --entity-default");
            await RunAsync("configs", "--describe --entity-type brokers --entity-name 2");
            await RunAsync("configs", "--describe --entity-type brokers --entity-name 1");
            await RunAsync("configs", "--alter --entity-type brokers --entity-name 9 --add-config log.retention.ms=7200000");
            await RunAsync("configs", "--alter --entity-type brokers --entity-default --delete-config log.retention.ms,num.replica.fetchers");
            await RunAsync("configs", "--describe --entity-type brokers --entity-default");
        }

        private async Task RunAsync(string name, string arguments, Func<string, bool>? wanted = null)
        {
            (int exitCode, string[] lines) = await shell.RunAsync(name, arguments);
            string[] shown = [.. lines.Where(l => !l.StartsWith("at ", StringComparison.Ordinal) && !l.Contains("is deprecated", StringComparison.Ordinal) && (wanted is null || wanted(l))).Select(l => Normal(l.Replace(cluster.Bootstrap, "(bootstrap)", StringComparison.Ordinal)))];
            Told.Add($"$ {name} {arguments.Replace(_home, "", StringComparison.Ordinal)} = {exitCode}\n{string.Join('\n', shown)}");
        }

        private Task FinishedAsync() => Eventually.TrueAsync(
            () => shell.RunAsync("reassign-partitions", "--list").Result.Lines.Contains("No partition reassignments found."), $"the reassignment ends\n{cluster.Logs}", TimeSpan.FromMinutes(2), pauseMs: 200);

        private async Task UntilAsync(string topic, Func<List<PartitionMetadata>, bool> wanted) => await Eventually.TrueAsync(
            () => cluster.Members.Where(m => m.IsRunning).All(m => cluster.Ask(m, admin => admin.GetMetadata(topic, TimeSpan.FromSeconds(5)).Topics[0].Partitions) is { Count: > 0 } partitions && wanted(partitions)),
            $"{topic} is as wanted\n{cluster.Logs}", TimeSpan.FromSeconds(90), pauseMs: 100);

        private async Task FillAsync()
        {
            var config = new ProducerConfig { BootstrapServers = cluster.Bootstrap, Acks = Acks.All, LingerMs = 5, MessageTimeoutMs = 120_000 };
            using IProducer<Null, byte[]> producer = new ProducerBuilder<Null, byte[]>(config).SetLogHandler((_, _) => { }).Build();
            await Task.WhenAll(Enumerable.Range(0, 900).Select(i => producer.ProduceAsync(new TopicPartition("moved", i % 3), new Message<Null, byte[]> { Value = new byte[10_000] })));
        }

        private async Task<string> ProduceAsync()
        {
            using IAdminClient admin = cluster.Admin();
            await admin.CreateTopicsAsync([new TopicSpecification { Name = "single", NumPartitions = 1, ReplicationFactor = 1, Configs = new() { ["min.insync.replicas"] = "2" } }]);
            var config = new ProducerConfig { BootstrapServers = cluster.Bootstrap, Acks = Acks.All, MessageTimeoutMs = 20_000, MessageSendMaxRetries = 0 };
            using IProducer<Null, string> producer = new ProducerBuilder<Null, string>(config).SetLogHandler((_, _) => { }).Build();
            try
            {
                await producer.ProduceAsync("single", new Message<Null, string> { Value = "x" });
                return "taken";
            }
            catch (ProduceException<Null, string> e)
            {
                return $"{e.Error.Code}";
            }
        }
    }

    /// <summary>The order of an ISR means nothing.</summary>
    private static string Normal(string line)
    {
        line = Sentence().Replace(line, "$1");
        line = Blanks().Replace(Elr().Replace(TopicId().Replace(line, "TopicId: X"), ""), " ");
        return Isr().Replace(line, m => $"Isr: {string.Join(",", m.Groups[1].Value.Split(',').Order(StringComparer.Ordinal))}");
    }

    // What went wrong is the same, the words are each broker's own.
    [GeneratedRegex(@"(org\.apache\.kafka\.common\.errors\.\w+Exception): .*")]
    private static partial Regex Sentence();

    [GeneratedRegex(@"TopicId: \S+")]
    private static partial Regex TopicId();

    // Kafka on ZooKeeper lacks DescribeTopicPartitions, so its tools have nothing to print in these columns.
    [GeneratedRegex(@"\s*Elr:.*$")]
    private static partial Regex Elr();

    [GeneratedRegex(@"Isr: ([\d,]+)")]
    private static partial Regex Isr();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
