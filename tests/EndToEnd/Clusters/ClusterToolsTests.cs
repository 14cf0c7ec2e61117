using System.Text.Json.Nodes;
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
                await GroupAsync();
                await ZooKeeperAsync();
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
            await UntilAsync("lost", ps => ps.All(p => p.Isr.Length == 1));
            await RunAsync("topics", "--describe --topic lost");
            await RunAsync("topics", "--describe --topic lost --under-replicated-partitions");
            await RunAsync("topics", "--describe --topic lost --at-min-isr-partitions");
            await cluster[2].StopAsync();
            await UntilAsync("lost", ps => ps.Any(p => p.Leader < 0));
            await RunAsync("topics", "--describe --topic lost");
            await RunAsync("topics", "--describe --topic lost --unavailable-partitions");
            await RunAsync("leader-election", "--election-type preferred --topic lost --partition 0");
            await RunAsync("leader-election", "--election-type unclean --topic lost --partition 0");
            await cluster[3].StartAsync(cluster[3].Kind);
            await UntilAsync("lost", ps => ps.Any(p => p.Index == 1 && p.Isr.Length == 2));
            await RunAsync("leader-election", "--election-type preferred --topic lost --partition 0");
            await RunAsync("leader-election", "--election-type unclean --topic lost --partition 0");
            await RunAsync("leader-election", "--election-type unclean --topic lost --partition 0");
            await UntilAsync("lost", ps => ps[0].Leader == 3);
            await RunAsync("topics", "--describe --topic lost");
            await cluster[2].StartAsync(cluster[2].Kind);
            await UntilAsync("lost", ps => ps.All(p => p.Isr.Length == 2));
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

        private async Task GroupAsync()
        {
            await RunAsync("topics", "--create --topic read --replica-assignment 1:2:3,2:3:1");
            var producing = new ProducerConfig { BootstrapServers = cluster.Bootstrap, Acks = Acks.All, MessageTimeoutMs = 120_000 };
            using (IProducer<Null, string> producer = new ProducerBuilder<Null, string>(producing).SetLogHandler((_, _) => { }).Build())
            {
                await Task.WhenAll(Enumerable.Range(0, 20).Select(i => producer.ProduceAsync(new TopicPartition("read", i % 2), new Message<Null, string> { Value = $"{i}" })));
            }

            var consuming = new ConsumerConfig { BootstrapServers = cluster.Bootstrap, GroupId = "readers", ClientId = "reader", AutoOffsetReset = AutoOffsetReset.Earliest, EnableAutoCommit = false };
            using (IConsumer<Ignore, string> consumer = new ConsumerBuilder<Ignore, string>(consuming).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build())
            {
                consumer.Subscribe("read");
                for (int taken = 0; taken < 20; taken++)
                {
                    Assert.NotNull(consumer.Consume(TimeSpan.FromSeconds(60)));
                }

                consumer.Commit([new TopicPartitionOffset("read", 0, 7), new TopicPartitionOffset("read", 1, 3)]);
                await RunAsync("consumer-groups", "--list --state");
                await RunAsync("consumer-groups", "--describe --group readers");
                await RunAsync("consumer-groups", "--describe --group readers --members --verbose");
                await RunAsync("consumer-groups", "--describe --group readers --state");
                await RunAsync("consumer-groups", "--group readers --topic read --reset-offsets --to-earliest --execute");
                await RunAsync("consumer-groups", "--delete-offsets --group readers --topic read:0");
                await RunAsync("consumer-groups", "--delete --group readers");
                consumer.Close();
            }

            // The group goes on when its coordinator has ended.
            int coordinator;
            using (IAdminClient admin = cluster.Admin())
            {
                coordinator = (await admin.DescribeConsumerGroupsAsync(["readers"])).ConsumerGroupDescriptions[0].Coordinator.Id;
            }

            await cluster[coordinator].StopAsync();
            await UntilAsync("__consumer_offsets", ps => ps.All(p => p.Leader > 0 && p.Leader != coordinator && p.Isr.Length == 2));
            await Task.WhenAll(cluster.Members.Where(m => m.IsRunning).Select(m => Eventually.TrueAsync(
                () => !RawMetadata.AskAsync(m).Result.Brokers.Contains(coordinator), $"broker {m.Id} lists {coordinator} no more, which has ended\n{cluster.Logs}")));
            await RunAsync("consumer-groups", "--describe --all-groups");
            await RunAsync("consumer-groups", "--group readers --topic read:0 --reset-offsets --to-earliest --dry-run");
            await RunAsync("consumer-groups", "--group readers --topic read:0 --reset-offsets --shift-by 2 --execute");
            await RunAsync("consumer-groups", "--delete-offsets --group readers --topic read:1");
            await RunAsync("consumer-groups", "--describe --group readers");
            await cluster[coordinator].StartAsync(cluster[coordinator].Kind);
            await UntilAsync("__consumer_offsets", ps => ps.All(p => p.Isr.Length == 3));
            await RunAsync("consumer-groups", "--describe --group readers");
            await RunAsync("consumer-groups", "--delete --group readers");
            await RunAsync("consumer-groups", "--delete --group readers");
            await RunAsync("consumer-groups", "--list");
        }

        /// <summary>What operators look at and do in the tree itself.</summary>
        private async Task ZooKeeperAsync()
        {
            await RunAsync("topics", "--create --topic seen --replica-assignment 1:2,2:3 --config retention.ms=100000 --config cleanup.policy=compact");
            await InTreeAsync(
                "ls /", "ls /brokers", "ls /brokers/ids", "get /brokers/ids/1", "ls /brokers/topics", "get /brokers/topics/seen", "ls -R /brokers/topics/seen", "get /brokers/topics/seen/partitions/1/state",
                "get /config/topics/seen", "ls /config", "get /config/brokers/2", "get /config/brokers/<default>", "ls /admin", "ls /admin/delete_topics", "ls /consumers", "get /brokers/seqid",
                "ls /isr_change_notification", "ls /log_dir_event_notification", "get /brokers/topics/nobody", "get /controller", "ls /feature", "get /feature");

            // Another controller is elected, and goes on with what was asked of the one before.
            await InTreeAsync("delete /controller");
            await cluster.ControllerAsync();
            await RunAsync("topics", "--create --topic after --replica-assignment 2:3");
            await InTreeAsync("create /admin/delete_topics/seen", "ls /admin/delete_topics");
            await Eventually.TrueAsync(() => shell.RunAsync("topics", "--list").Result.Lines is var topics && !topics.Contains("seen") && topics.Contains("after"), $"seen is deleted\n{cluster.Logs}");
            await InTreeAsync("ls /admin/delete_topics", "ls /brokers/topics", "get /config/topics/seen");
        }

        /// <summary>One after the other in one shell, which ends with the first that fails.</summary>
        private async Task InTreeAsync(params string[] commands)
        {
            CommandResult result = await Command.RunAsync(Path.Combine(Repository.KafkaReleases!, "3.9", "bin", "zookeeper-shell.sh"), [cluster.ZooKeeperAddresses], string.Join('\n', commands) + "\n");
            string[] printed = [.. result.Lines.SkipWhile(l => !l.StartsWith("WatchedEvent", StringComparison.Ordinal)).Skip(1).Select(InTree)];
            string[] failed = [.. result.Error.Split('\n', StringSplitOptions.TrimEntries).Where(l => l.StartsWith("Node ", StringComparison.Ordinal))];
            Told.AddRange(commands.Select((command, i) => $"$ zookeeper-shell {command}\n{string.Join('\n', printed.Skip(i).Take(i == commands.Length - 1 ? int.MaxValue : 1).Concat(i == commands.Length - 1 ? failed : []))}"));
        }

        private async Task RunAsync(string name, string arguments, Func<string, bool>? wanted = null)
        {
            if (name == "topics" && arguments.Split("--describe --topic ") is ["", string described])
            {
                await AgreedAsync(described.Split(' ')[0]);
            }

            (int exitCode, string[] lines) = await shell.RunAsync(name, arguments);
            string[] shown = [.. lines.Where(l => !l.StartsWith("at ", StringComparison.Ordinal) && !l.Contains("is deprecated", StringComparison.Ordinal) && (wanted is null || wanted(l))).Select(l => Normal(l.Replace(cluster.Bootstrap, "(bootstrap)", StringComparison.Ordinal)))];
            if (name == "consumer-groups")
            {
                // In the order of a hash table.
                Array.Sort(shown, StringComparer.Ordinal);
            }

            Told.Add($"$ {name} {arguments.Replace(_home, "", StringComparison.Ordinal)} = {exitCode}\n{string.Join('\n', shown)}");
        }

        private Task FinishedAsync() => Eventually.TrueAsync(
            () => shell.RunAsync("reassign-partitions", "--list").Result.Lines.Contains("No partition reassignments found."), $"the reassignment ends\n{cluster.Logs}", TimeSpan.FromMinutes(2), pauseMs: 200);

        /// <summary>The tools ask any broker: none may be behind.</summary>
        private async Task AgreedAsync(string topic)
        {
            string View(ClusterMember member) => string.Join("; ", RawMetadata.AskAsync(member, topic).Result.Partitions.Select(p => $"{p.Index} {p.Leader} {p.Epoch} [{string.Join(", ", p.Isr)}]"));
            await Eventually.TrueAsync(
                () => cluster.Members.Where(m => m.IsRunning).Select(View).Distinct(StringComparer.Ordinal).Count() == 1, $"all tell the same of {topic}\n{cluster.Logs}", pauseMs: 100);
        }

        private Task UntilAsync(string topic, Func<RawPartition[], bool> wanted) => cluster.UntilAsync(topic, wanted, "as wanted");

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
        line = Coordinator().Replace(Member().Replace(Sentence().Replace(line, "$1"), "reader-X"), "(coordinator)");
        line = Blanks().Replace(Elr().Replace(TopicId().Replace(line, "TopicId: X"), ""), " ");
        return Isr().Replace(line, m => $"Isr: {string.Join(",", m.Groups[1].Value.Split(',').Order(StringComparer.Ordinal))}");
    }

    /// <summary>Without who is the controller, since when, and how often that changed, and the features that brokers can run with; the order of keys means nothing.</summary>
    private static string InTree(string line)
    {
        line = Changing().Replace(Port().Replace(line, m => m.Value.Replace(m.Groups[1].Value, "0", StringComparison.Ordinal)), "\"$1\":0");
        if (!line.StartsWith('{'))
        {
            return line;
        }

        JsonObject node = JsonNode.Parse(line)!.AsObject();
        if (node.ContainsKey("endpoints"))
        {
            node.Remove("features");
        }

        return string.Join(", ", node.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}: {p.Value?.ToJsonString()}"));
    }

    [GeneratedRegex("\"(timestamp|topic_id|controller_epoch|brokerid)\":(?:\"[^\"]*\"|\\d+)")]
    private static partial Regex Changing();

    [GeneratedRegex("(?:127\\.0\\.0\\.1:|\"port\":)(\\d+)")]
    private static partial Regex Port();

    [GeneratedRegex(@"reader-[0-9a-f]{8}-[0-9a-f-]{27}")]
    private static partial Regex Member();

    [GeneratedRegex(@"127\.0\.0\.1:\d+\s+\(\d\)")]
    private static partial Regex Coordinator();

    // What went wrong is the same, the words are each broker's own.
    [GeneratedRegex(@"(org\.apache\.kafka\.common\.errors\.(?!Timeout)\w+Exception): .*")]
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
