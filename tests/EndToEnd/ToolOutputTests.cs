using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>
/// The command-line tools of Kafka 3.9 print against this broker what they print against Kafka 3.9 itself, ids, times and ports aside.
/// The same script of commands runs against both; what differs is shown line by line.
/// </summary>
public sealed partial class ToolOutputTests(ITestOutputHelper output)
{
    private static readonly (string Tool, string Arguments)[] Script =
    [
        ("topics", "--create --topic alpha --partitions 3"),
        ("topics", "--create --topic alpha --partitions 3"),
        ("topics", "--create --topic alpha --partitions 3 --if-not-exists"),
        ("topics", "--create --topic beta --partitions 1 --config cleanup.policy=compact --config segment.bytes=1048576"),
        ("topics", "--create --topic bad!name"),
        ("topics", "--create --topic wide --replication-factor 3"),
        ("topics", "--create --topic odd --config retention.ms=soon"),
        ("topics", "--list"),
        ("topics", "--describe --topic alpha"),
        ("topics", "--describe --topic beta"),
        ("topics", "--describe --topic missing"),
        ("topics", "--alter --topic alpha --partitions 4"),
        ("topics", "--alter --topic alpha --partitions 2"),
        ("topics", "--describe --topic alpha"),
        ("configs", "--alter --entity-type topics --entity-name alpha --add-config retention.ms=3600000,max.message.bytes=2000000"),
        ("configs", "--describe --entity-type topics --entity-name alpha"),
        ("configs", "--describe --entity-type topics --entity-name alpha --all"),
        ("configs", "--alter --entity-type topics --entity-name alpha --delete-config retention.ms"),
        ("configs", "--alter --entity-type topics --entity-name alpha --add-config no.such.key=1"),
        ("configs", "--alter --entity-type topics --entity-name alpha --add-config segment.bytes=1"),
        ("configs", "--describe --entity-type topics --entity-name alpha"),
        ("configs", "--alter --entity-type brokers --entity-name 0 --add-config log.cleaner.threads=2"),
        ("configs", "--describe --entity-type brokers --entity-name 0"),
        ("configs", "--alter --entity-type brokers --entity-default --add-config message.max.bytes=1100000"),
        ("configs", "--describe --entity-type brokers --entity-default"),
        ("configs", "--alter --entity-type brokers --entity-name 0 --add-config log.dirs=/elsewhere"),
        ("get-offsets", "--topic beta"),
        ("get-offsets", "--topic beta --time -2"),
        ("consumer-groups", "--list"),
        ("consumer-groups", "--describe --group readers"),
        ("consumer-groups", "--describe --group readers --state"),
        ("consumer-groups", "--describe --group readers --members"),
        ("consumer-groups", "--describe --group nobody"),
        ("consumer-groups", "--group readers --topic beta --reset-offsets --to-earliest --execute"),
        ("consumer-groups", "--describe --group readers"),
        ("consumer-groups", "--group readers --topic beta --reset-offsets --shift-by 2 --dry-run"),
        ("consumer-groups", "--delete-offsets --group readers --topic beta"),
        ("consumer-groups", "--delete --group readers"),
        ("consumer-groups", "--delete --group nobody"),
        ("consumer-groups", "--list"),
        ("log-dirs", "--describe --topic-list beta"),
        ("topics", "--delete --topic alpha"),
        ("topics", "--delete --topic alpha"),
        ("topics", "--list --exclude-internal"),
    ];

    [KafkaFact]
    public async Task Tools_print_the_same_as_against_kafka()
    {
        await using BrokerProcess broker = await BrokerProcess.StartAsync();
        await using OracleKafka kafka = await OracleKafka.StartAsync("3.9");
        // The two servers have a core each; running the scripts side by side halves the wait for JVM starts.
        List<string>[] transcripts = await Task.WhenAll(RunAsync(broker.Bootstrap), RunAsync(kafka.Bootstrap));
        var differences = new List<string>();
        for (int i = 0; i < transcripts[0].Count; i++)
        {
            if (transcripts[0][i] != transcripts[1][i])
            {
                differences.Add($"--- ours\n{transcripts[0][i]}\n--- Kafka's\n{transcripts[1][i]}");
            }
        }

        output.WriteLine($"{transcripts[0].Count} commands compared");
        differences.AddRange(Differences(await ApiVersionsAsync(broker.Bootstrap), await ApiVersionsAsync(kafka.Bootstrap)));
        Assert.True(differences.Count == 0, $"{differences.Count} commands print something else\n{string.Join("\n\n", differences)}");
    }

    /// <summary>The lines of kafka-broker-api-versions.sh by API, as in <c>Produce(0): 0 to 11 [usable: 11]</c>.</summary>
    private static async Task<Dictionary<string, string>> ApiVersionsAsync(string bootstrap) =>
        (await new KafkaTool("3.9", bootstrap).RunAsync("broker-api-versions", "")).Succeeded().Lines
            .Where(line => line.Contains("): ", StringComparison.Ordinal))
            .ToDictionary(line => line.Split(':')[0], line => line.TrimEnd(','), StringComparer.Ordinal);

    /// <summary>What this broker serves beyond Kafka 3.9: versions of Kafka 4 (those of transaction.version 2 among them), and an API that Kafka 3.9 serves with KRaft only.</summary>
    private static readonly Dictionary<string, string> Beyond = new(StringComparer.Ordinal)
    {
        ["Produce(0)"] = "Produce(0): 0 to 12 [usable: 11]",
        ["UpdateFeatures(57)"] = "UpdateFeatures(57): 0 to 2 [usable: 1]",
        ["EndTxn(26)"] = "EndTxn(26): 0 to 5 [usable: 4]",
        ["TxnOffsetCommit(28)"] = "TxnOffsetCommit(28): 0 to 5 [usable: 4]",
        ["Metadata(3)"] = "Metadata(3): 0 to 13 [usable: 12]",
        ["DescribeTopicPartitions(75)"] = "DescribeTopicPartitions(75): 0 [usable: 0]",
    };

    /// <summary>The same APIs are printed, and those that this broker serves have Kafka's versions.</summary>
    private static IEnumerable<string> Differences(Dictionary<string, string> ours, Dictionary<string, string> kafka)
    {
        Assert.Equal(kafka.Keys.Order(StringComparer.Ordinal), ours.Keys.Order(StringComparer.Ordinal));
        return ours.Where(api => !api.Value.Contains("UNSUPPORTED", StringComparison.Ordinal) && api.Value != Beyond.GetValueOrDefault(api.Key, kafka[api.Key]))
            .Select(api => $"--- ours\n{api.Value}\n--- Kafka's\n{kafka[api.Key]}");
    }

    private static async Task<List<string>> RunAsync(string bootstrap)
    {
        var tool = new KafkaTool("3.9", bootstrap);
        var transcript = new List<string>();
        foreach ((string name, string arguments) in Script)
        {
            if (arguments == "--topic beta" && name == "get-offsets")
            {
                transcript.AddRange(await FillAsync(tool));
            }

            CommandResult result = await tool.RunAsync(name, arguments);
            transcript.Add($"kafka-{name} {arguments}\n{Normalise(result.Output + result.Error)}");
        }

        string records = Path.GetTempFileName();
        await File.WriteAllTextAsync(records, """{"partitions":[{"topic":"beta-plain","partition":0,"offset":3}],"version":1}""");
        await tool.RunAsync("topics", "--create --topic beta-plain");
        await tool.RunAsync("console-producer", "--topic beta-plain", "a\nb\nc\nd\n");
        CommandResult deleted = await tool.RunAsync("delete-records", $"--offset-json-file {records}");
        CommandResult offsets = await tool.RunAsync("get-offsets", "--topic beta-plain --time -2");
        File.Delete(records);
        transcript.Add($"kafka-delete-records\n{Normalise(deleted.Output + deleted.Error)}{Normalise(offsets.Output)}");
        return transcript;
    }

    /// <summary>Five keyed records, and a group that has read three of them; what the console tools print meanwhile.</summary>
    private static async Task<string[]> FillAsync(KafkaTool tool)
    {
        string keyed = string.Concat(Enumerable.Range(0, 5).Select(i => $"k{i}:v{i}\n"));
        return
        [
            await ConsoleAsync("console-producer", "--topic beta --property parse.key=true --property key.separator=:", keyed),
            await ConsoleAsync("console-consumer", "--topic beta --group readers --from-beginning --max-messages 3 --property print.key=true --property print.offset=true --property print.partition=true"),
            await ConsoleAsync("console-consumer", "--topic beta --partition 0 --offset 3 --max-messages 2"),
        ];

        async Task<string> ConsoleAsync(string name, string arguments, string? input = null)
        {
            CommandResult result = (await tool.RunAsync(name, arguments, input)).Succeeded();
            return $"kafka-{name} {arguments}\n{Normalise(result.Output + result.Error)}";
        }
    }

    /// <summary>Takes out what cannot be the same: ids, times, ports, directories, stack traces, column widths.</summary>
    private static string Normalise(string text)
    {
        string[] lines = [.. text.Split('\n')
            .Where(line => !line.StartsWith("\tat ", StringComparison.Ordinal) && !line.Contains("is deprecated", StringComparison.Ordinal) && !line.StartsWith("WARNING", StringComparison.Ordinal))
            .Select(line => TopicId().Replace(line, "TopicId: ID"))
            .Select(line => Elr().Replace(line, ""))
            .Select(line => Timestamp().Replace(line, "TIME"))
            .Select(line => Directory().Replace(line, "\"logDir\":\"DIR\""))
            .Select(line => Size().Replace(line, "\"size\":BYTES"))
            .Select(line => Address().Replace(line, "HOST:PORT"))
            .Select(line => Blanks().Replace(line, " ").Trim())
            .Where(line => line.Length > 0)];
        return string.Join('\n', lines);
    }

    [GeneratedRegex(@"TopicId: [A-Za-z0-9_-]{22}")]
    private static partial Regex TopicId();

    // Kafka on ZooKeeper lacks DescribeTopicPartitions, so its tools have nothing to print in these columns.
    [GeneratedRegex(@"\s*Elr:.*$")]
    private static partial Regex Elr();

    [GeneratedRegex(@"\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[,.]\d+\]?")]
    private static partial Regex Timestamp();

    [GeneratedRegex("\"logDir\":\"[^\"]*\"")]
    private static partial Regex Directory();

    // The bytes of a batch depend on how long its records took to be written one after the other.
    [GeneratedRegex("\"size\":[1-9][0-9]*")]
    private static partial Regex Size();

    [GeneratedRegex(@"(localhost|127\.0\.0\.1):\d+")]
    private static partial Regex Address();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
