using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;
using Broker.ZooKeeper.Tests;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>Partitions move between the directories of a broker: by Kafka's tools, compared with Apache Kafka, and under load with kills.</summary>
public sealed class DirectoryMoveTests(ITestOutputHelper output)
{
    private const string Throttle = "replica.alter.log.dirs.io.max.bytes.per.second";

    [KafkaFact]
    public async Task Answers_and_tools_are_those_of_Apache_Kafka()
    {
        string root = Directory.CreateTempSubdirectory("moves-").FullName;
        List<string> expected;
        await using (OracleKafka kafka = await OracleKafka.StartAsync("3.9", $"log.dirs={root}/kafka/a,{root}/kafka/b"))
        {
            expected = await ScriptAsync(kafka.Bootstrap, kafka.Port, Path.Combine(root, "kafka"));
        }

        await using (BrokerProcess broker = await BrokerProcess.StartOnAsync($"{root}/ours/a,{root}/ours/b"))
        {
            List<string> ours = await ScriptAsync(broker.Bootstrap, broker.Port, Path.Combine(root, "ours"));
            output.WriteLine(string.Join('\n', ours));
            Assert.Equal(expected, ours);
        }

        Directory.Delete(root, recursive: true);
    }

    [KafkaFact]
    public async Task Under_load_and_kills_nothing_is_lost_and_a_restart_goes_on()
    {
        int seed = Environment.TickCount & 0xffff;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string root = Directory.CreateTempSubdirectory("moves-").FullName;
        string[] directories = [Path.Combine(root, "a"), Path.Combine(root, "b")];
        await using BrokerProcess broker = await BrokerProcess.StartOnAsync(string.Join(',', directories), "log.segment.bytes=1048576", "log.segment.delete.delay.ms=0", "offsets.topic.num.partitions=1", "group.initial.rebalance.delay.ms=0");
        var tool = new KafkaTool("3.9", broker.Bootstrap);
        await new ConfluentDotnet().CreateTopicAsync(broker.Bootstrap, "moved", 1);
        await using var load = new VerifiedLoad(broker.Bootstrap, "moved", 1, pauseMs: 2, maxPadding: 30_000);

        // Each start copies one chunk of 1 MiB before the throttle holds it back: there is more than in all of them.
        while (load.Acknowledged < 600)
        {
            await load.ProgressAsync("at first", () => broker.Log);
        }

        // So slowly that it does not come to an end: through kills, until the throttle goes.
        int from = Array.FindIndex(directories, d => Directory.Exists(Path.Combine(d, "moved-0")));
        string plan = Plan(root, "moved", directories[1 - from]);
        (await tool.RunAsync("reassign-partitions", $"--execute --replica-alter-log-dirs-throttle 2000 --reassignment-json-file {plan}")).Succeeded();
        for (int kill = 0; kill < 3; kill++)
        {
            await load.ProgressAsync($"while it moves, {kill} kills", () => broker.Log);
            Assert.Single(Directory.GetDirectories(directories[1 - from]), d => d.EndsWith("-future", StringComparison.Ordinal));
            await broker.KillAsync();
            await broker.RestartAsync();
        }

        CommandResult described = (await tool.RunAsync("log-dirs", "--describe --topic-list moved")).Succeeded();
        Assert.Matches("\"offsetLag\":[1-9][0-9]*,\"isFuture\":true", described.Output);
        Assert.Contains("is still in progress", (await tool.RunAsync("reassign-partitions", $"--verify --preserve-throttles --reassignment-json-file {plan}")).Output, StringComparison.Ordinal);
        (await tool.RunAsync("configs", $"--alter --entity-type brokers --entity-name 0 --delete-config {Throttle}")).Succeeded();
        await MovedAsync(broker, directories[1 - from], "moved-0");
        CommandResult verified = (await tool.RunAsync("reassign-partitions", $"--verify --reassignment-json-file {plan}")).Succeeded();
        Assert.Contains("Reassignment of replica moved-0-0 completed successfully.", verified.Output, StringComparison.Ordinal);

        // Back and forth, with kills wherever they come.
        for (int cycle = 0; cycle < 10; cycle++)
        {
            await load.ProgressAsync($"before move {cycle}", () => broker.Log);
            int to = Array.FindIndex(directories, d => !Directory.Exists(Path.Combine(d, "moved-0")));
            using (RawConnection connection = await RawConnection.OpenAsync(broker.Port))
            {
                Assert.Equal(0, await AlterAsync(connection, ("moved", directories[to])));
            }

            await Task.Delay(random.Next(0, 40));
            await broker.KillAsync();
            await broker.RestartAsync();
            await MovedAsync(broker, directories[to], "moved-0");
        }

        await load.StopAsync(() => broker.Log);
        output.WriteLine($"{load.Acknowledged} records acknowledged");

        // Deleted while it moves: nothing stays.
        (await tool.RunAsync("configs", $"--alter --entity-type brokers --entity-name 0 --add-config {Throttle}=1")).Succeeded();
        using (RawConnection connection = await RawConnection.OpenAsync(broker.Port))
        {
            int to = Array.FindIndex(directories, d => !Directory.Exists(Path.Combine(d, "moved-0")));
            Assert.Equal(0, await AlterAsync(connection, ("moved", directories[to])));
        }

        using (IAdminClient admin = ReassignmentPlan.Admin(broker.Bootstrap))
        {
            await admin.DeleteTopicsAsync(["moved"]);
        }

        await Eventually.TrueAsync(() => directories.All(d => Directory.GetDirectories(d, "moved*").Length == 0), $"the topic and its copy are gone\n{broker.Log}");
        await broker.StopAsync();
        Directory.Delete(root, recursive: true);
    }

    [ZooKeeperFact(needsKafka: true)]
    public async Task A_reassignment_puts_a_new_replica_into_the_directory_that_it_names()
    {
        string root = Directory.CreateTempSubdirectory("moves-").FullName;
        await using (ZooKeeperServer zookeeper = await ZooKeeperServer.StartAsync())
        await using (BrokerCluster cluster = await BrokerCluster.StartAsync(zookeeper.Address, id => [$"log.dirs={root}/{id}/a,{root}/{id}/b", "auto.leader.rebalance.enable=false"], count: 2))
        {
            await cluster.CreateTopicAsync("moved", [1]);
            await using var load = new VerifiedLoad(cluster.Bootstrap, "moved", 1, pauseMs: 2);
            await load.ProgressAsync("at first", () => cluster.Logs);
            var tool = new KafkaTool("3.9", cluster.Bootstrap);
            foreach (string directory in (string[])["b", "a"])
            {
                // There first as a new replica, then as one that is there already and moves as a follower.
                string plan = Path.Combine(root, $"{directory}.json");
                await File.WriteAllTextAsync(plan, $$"""{"version":1,"partitions":[{"topic":"moved","partition":0,"replicas":[1,2],"log_dirs":["any","{{root}}/2/{{directory}}"]}]}""");
                CommandResult executed = await tool.RunAsync("reassign-partitions", $"--execute --reassignment-json-file {plan}");
                Assert.True(executed.ExitCode == 0, $"{executed.Output}{executed.Error}\n{cluster.Logs}");
                await Eventually.TrueAsync(() => Directory.Exists($"{root}/2/{directory}/moved-0"), $"the replica is in {directory}\n{cluster.Logs}", pauseMs: 50);
                await cluster.UntilAsync("moved", p => p[0].InSyncReplicas.Length == 2, "both are in sync");
                await load.ProgressAsync($"with a replica in {directory}", () => cluster.Logs);
            }

            // Away while it moves.
            string back = ReassignmentPlan.File(root, "back", [("moved", 0, [1])]);
            (await tool.RunAsync("configs", $"--alter --entity-type brokers --entity-name 2 --add-config {Throttle}=1")).Succeeded();
            using (RawConnection connection = await RawConnection.OpenAsync(cluster.Brokers[1].Port))
            {
                Assert.Equal(0, await AlterAsync(connection, ("moved", $"{root}/2/b")));
            }

            await ReassignmentPlan.RunAsync(tool, back, () => cluster.Logs);
            await Eventually.TrueAsync(
                () => Directory.GetDirectories($"{root}/2", "moved*", SearchOption.AllDirectories).All(d => d.EndsWith("-delete", StringComparison.Ordinal)), $"nothing is left of the replica\n{cluster.Logs}");
            await load.StopAsync(() => cluster.Logs);
        }

        Directory.Delete(root, recursive: true);
    }

    private static async Task<List<string>> ScriptAsync(string bootstrap, int port, string root)
    {
        var lines = new List<string>();
        var tool = new KafkaTool("3.9", bootstrap);
        string a = Path.Combine(root, "a"), b = Path.Combine(root, "b");
        await new ConfluentDotnet().CreateTopicAsync(bootstrap, "moved", 1);
        await new Kcat().ProduceAsync(bootstrap, "moved", "none", [.. Enumerable.Range(0, 200).Select(i => $"record {i}")]);
        string here = Directory.Exists(Path.Combine(a, "moved-0")) ? a : b;
        string there = here == a ? b : a;
        using (RawConnection connection = await RawConnection.OpenAsync(port))
        {
            foreach ((string topic, string path) in ((string, string)[])[
                ("moved", "/nowhere"), ("missing", a), ("missing", "/nowhere"), (new string('x', 240), a), ("moved", here), ("moved", $"{here}/"), ("moved", ""), ("", a)])
            {
                lines.Add($"{topic} to {path.Replace(root, "", StringComparison.Ordinal).Replace(here == a ? "/a" : "/b", "/here", StringComparison.Ordinal)}: {await AlterAsync(connection, (topic, path))}");
            }
        }

        async Task RunAsync(string name, string arguments)
        {
            CommandResult result = await tool.RunAsync(name, arguments);
            string said = result.Output.Replace(here, "HERE", StringComparison.Ordinal).Replace(there, "THERE", StringComparison.Ordinal).Replace(root, "", StringComparison.Ordinal);

            // Either directory may be the first.
            said = name == "log-dirs" ? string.Join(' ', said.Split(['{', '}', '[', ']', ',', '\n'], StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal)) : said;
            lines.Add($"{name} {arguments.Split(' ')[0]} = {result.ExitCode}\n{Sizes(said)}");
        }

        string plan = Plan(root, "moved", there);
        await RunAsync("log-dirs", "--describe --topic-list moved,missing");
        await RunAsync("reassign-partitions", $"--execute --replica-alter-log-dirs-throttle 100000000 --reassignment-json-file {plan}");
        await Eventually.TrueAsync(() => Directory.Exists(Path.Combine(there, "moved-0")) && !Directory.Exists(Path.Combine(here, "moved-0")), "the partition has moved", pauseMs: 100);
        await RunAsync("reassign-partitions", $"--verify --reassignment-json-file {plan}");
        await RunAsync("log-dirs", "--describe --topic-list moved");
        lines.Add($"{StoredRecords.Read(bootstrap, "moved", 1).Count} records");
        lines.Add(string.Join(' ', Directory.GetFiles(Path.Combine(there, "moved-0")).Select(Path.GetFileName).Where(f => !f!.EndsWith("index", StringComparison.Ordinal) && !f.EndsWith(".snapshot", StringComparison.Ordinal)).Order(StringComparer.Ordinal)));
        return lines;
    }

    /// <summary>Batches are cut otherwise in another run, so that sizes differ a little.</summary>
    private static string Sizes(string text) => Regex.Replace(text, "\"size\":[1-9][0-9]*", "\"size\":some");

    private static string Plan(string root, string topic, string directory)
    {
        string path = Path.Combine(root, $"{topic}.json");
        File.WriteAllText(path, $$"""{"version":1,"partitions":[{"topic":"{{topic}}","partition":0,"replicas":[0],"log_dirs":["{{directory}}"]}]}""");
        return path;
    }

    private static Task MovedAsync(BrokerProcess broker, string directory, string partition) => Eventually.TrueAsync(
        () => Directory.Exists(Path.Combine(directory, partition)) && !Directory.GetDirectories(directory).Any(d => d.EndsWith("-future", StringComparison.Ordinal)), $"{partition} is in {directory}\n{broker.Log}");

    /// <summary>AlterReplicaLogDirs v1 for partition 0; the error code.</summary>
    private static async Task<short> AlterAsync(RawConnection connection, (string Topic, string Path) move)
    {
        byte[] answer = await connection.AskAsync(RequestBytes.Request(34, 1, 5).Int32(1).String(move.Path).Int32(1).String(move.Topic).Int32(1).Int32(0).ToArray());
        int topics = BinaryPrimitives.ReadInt32BigEndian(answer.AsSpan(8));
        Assert.Equal(1, topics);
        int length = BinaryPrimitives.ReadInt16BigEndian(answer.AsSpan(12));
        Assert.Equal(move.Topic, Encoding.UTF8.GetString(answer, 14, length));
        Assert.Equal(1, BinaryPrimitives.ReadInt32BigEndian(answer.AsSpan(14 + length)));
        return BinaryPrimitives.ReadInt16BigEndian(answer.AsSpan(22 + length));
    }
}
