using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>Reassignments as files for kafka-reassign-partitions.sh, carried out and waited for.</summary>
internal static class ReassignmentPlan
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    public static string File(string home, string name, IEnumerable<(string Topic, int Partition, int[] Replicas)> partitions)
    {
        string path = Path.Combine(home, $"{name}.json");
        string lines = string.Join(",", partitions.Select(p => $$"""{"topic":"{{p.Topic}}","partition":{{p.Partition}},"replicas":[{{string.Join(",", p.Replicas)}}]}"""));
        System.IO.File.WriteAllText(path, $$"""{"version":1,"partitions":[{{lines}}]}""");
        return path;
    }

    /// <summary>Every partition of every topic, the internal ones too, to these brokers: with several, leaders are spread.</summary>
    public static string OfAll(string home, string name, string bootstrap, params int[] brokers)
    {
        using IAdminClient admin = Admin(bootstrap);
        return File(home, name, admin.GetMetadata(TimeSpan.FromSeconds(30)).Topics.SelectMany(t => t.Partitions.Select(p =>
            (t.Topic, p.PartitionId, brokers.Select((_, i) => brokers[(i + p.PartitionId) % brokers.Length]).ToArray()))));
    }

    public static async Task RunAsync(KafkaTool tool, string file, Func<string> details)
    {
        CommandResult executed = await tool.RunAsync("reassign-partitions", $"--execute --reassignment-json-file {file}");
        Assert.True(executed.ExitCode == 0 && executed.Output.Contains("Successfully started partition reassignment", StringComparison.Ordinal), $"{executed.Output}{executed.Error}\n{details()}");
        await FinishedAsync(tool, details);
        CommandResult verified = await tool.RunAsync("reassign-partitions", $"--verify --reassignment-json-file {file}");
        Assert.True(verified.ExitCode == 0 && !verified.Output.Contains("in progress", StringComparison.Ordinal) && !verified.Output.Contains("but should be", StringComparison.Ordinal), $"{verified.Output}\n{details()}");
    }

    public static async Task FinishedAsync(KafkaTool tool, Func<string> details)
    {
        // By time, not by attempts: with a broker that does not answer, each takes the tool a minute.
        for (DateTime end = DateTime.UtcNow + Patience; ;)
        {
            CommandResult list = await tool.RunAsync("reassign-partitions", "--list");
            if (list.Output.Contains("No partition reassignments found", StringComparison.Ordinal))
            {
                return;
            }

            Assert.True(DateTime.UtcNow < end, $"reassignments did not end in {Patience.TotalMinutes} minutes\n{list.Output}{list.Error}\n{details()}");
        }
    }

    public static IAdminClient Admin(string bootstrap) => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).SetLogHandler((_, _) => { }).Build();
}
