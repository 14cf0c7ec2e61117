using System.Diagnostics;
using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>The word count of Kafka Streams, killed and restarted in between, writes the right counts to a compacted topic.</summary>
public sealed class StreamsTests(ITestOutputHelper output)
{
    private static readonly string[] Words = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen"];

    /// <summary>
    /// At least once, the kill comes when everything is committed, for what is not may be counted again; exactly once, it comes in the middle.
    /// All four run side by side: most of the time each of them waits.
    /// </summary>
    [KafkaFact]
    public async Task Word_counts_are_right_after_a_kill_and_a_restart()
    {
        int seed = int.Parse(System.Environment.GetEnvironmentVariable("BROKER_TEST_SEED") ?? $"{Random.Shared.Next()}", CultureInfo.InvariantCulture);
        output.WriteLine($"BROKER_TEST_SEED={seed}");
        // Cleaning comes as often as it can, so that it meets open transactions and their markers.
        await using IServerUnderTest server = await ServerUnderTest.StartAsync(
            "group.initial.rebalance.delay.ms=0", "offsets.topic.num.partitions=5", "transaction.state.log.num.partitions=5", "log.cleaner.backoff.ms=500", "log.roll.ms=1000");
        using JavaProgram wordCount = await CompileAsync();
        await Task.WhenAll(
            CountAsync(server, wordCount, "3.9", "at_least_once", new Random(seed)),
            CountAsync(server, wordCount, "4.3", "at_least_once", new Random(seed + 1)),
            CountAsync(server, wordCount, "3.9", "exactly_once_v2", new Random(seed + 2)),
            CountAsync(server, wordCount, "4.3", "exactly_once_v2", new Random(seed + 3)));
    }

    /// <summary>The program as it comes with the releases, but a killed member of its group is missed after 6 s and not only after 45.</summary>
    private static async Task<JavaProgram> CompileAsync()
    {
        const string Before = "StreamsBuilder topology";
        string source = await File.ReadAllTextAsync(Path.Combine(Repository.KafkaReleases!, "apps", "WordCount.java"));
        Assert.Contains(Before, source, StringComparison.Ordinal);
        source = source.Replace(Before, $"settings.put(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG, 6000); settings.put(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG, 500); {Before}", StringComparison.Ordinal);
        return await JavaProgram.CompileAsync("WordCount", source, against: "3.9");
    }

    private async Task CountAsync(IServerUnderTest server, JavaProgram wordCount, string version, string guarantee, Random random)
    {
        string name = $"{guarantee.Replace('_', '-')}-{version}";
        (string input, string counts) = ($"{name}-lines", $"{name}-counts");
        await CreateTopicsAsync(server.Bootstrap, input, counts);
        string state = Directory.CreateTempSubdirectory("broker-e2e-streams-").FullName;
        using IProducer<string, string> producer = TransactionalClient.Plain(server.Bootstrap);
        var expected = new Dictionary<string, long>();
        Process? application = null;
        try
        {
            application = Start();
            await WriteAsync(2000);
            if (guarantee == "at_least_once")
            {
                await UntilAsync(counted => counted.SequenceEqual(Sorted(expected)) && IsCommitted(server.Bootstrap, name, input), "counts and commits the first half");
            }
            else
            {
                await UntilAsync(counted => counted.Count > 0, "begins to count");
                await WriteAsync(1000);
                await Task.Delay(random.Next(300));
            }

            await KillAsync(application);
            await WriteAsync(1000);
            application = Start();
            await WriteAsync(1000);
            await UntilAsync(counted => counted.SequenceEqual(Sorted(expected)), $"comes to {Text(Sorted(expected))}");
        }
        finally
        {
            await KillAsync(application!);
            Directory.Delete(state, recursive: true);
        }

        async Task UntilAsync(Func<SortedDictionary<string, long>, bool> condition, string what)
        {
            SortedDictionary<string, long> counted = [];
            bool IsMet()
            {
                counted = Counts(server.Bootstrap, counts);
                return condition(counted);
            }

            try
            {
                await Eventually.TrueAsync(IsMet, $"{name} {what}", TimeSpan.FromMinutes(2), pauseMs: 300);
            }
            finally
            {
                output.WriteLine($"{name} {what}: {Text(counted)}");
            }
        }

        Process Start()
        {
            Process started = wordCount.Start(version, server.Bootstrap, input, counts, guarantee, name, state);
            started.OutputDataReceived += (_, _) => { };
            started.ErrorDataReceived += (_, _) => { };
            started.BeginOutputReadLine();
            started.BeginErrorReadLine();
            return started;
        }

        async Task WriteAsync(int lines)
        {
            var batch = new List<string>();
            for (int i = 0; i < lines; i++)
            {
                string[] words = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => Words[random.Next(Words.Length)])];
                Array.ForEach(words, word => expected[word] = expected.GetValueOrDefault(word) + 1);
                batch.Add(string.Join(' ', words));
            }

            await producer.WriteAsync(input, batch);
        }
    }

    private static async Task KillAsync(Process application)
    {
        if (!application.HasExited)
        {
            application.Kill();
            await application.WaitForExitAsync();
        }
    }

    private static async Task CreateTopicsAsync(string bootstrap, string input, string counts)
    {
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build();
        await admin.CreateTopicsAsync(
        [
            new TopicSpecification { Name = input, NumPartitions = 2, ReplicationFactor = 1 },
            new TopicSpecification
            {
                Name = counts, NumPartitions = 2, ReplicationFactor = 1,
                Configs = new() { ["cleanup.policy"] = "compact", ["min.cleanable.dirty.ratio"] = "0.01" },
            },
        ]);
    }

    /// <summary>What a reader of the compacted topic ends up with.</summary>
    private static SortedDictionary<string, long> Counts(string bootstrap, string topic)
    {
        var counts = new SortedDictionary<string, long>(StringComparer.Ordinal);
        StoredRecords.Read(bootstrap, topic, 2, IsolationLevel.ReadCommitted, result =>
        {
            // Streams writes a long in eight bytes, the most significant first.
            counts[System.Text.Encoding.UTF8.GetString(result.Message.Key)] = System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(result.Message.Value);
        });
        return counts;
    }

    /// <summary>The application has committed the input and what it sends to itself between its two halves up to their ends.</summary>
    private static bool IsCommitted(string bootstrap, string application, string input)
    {
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build();
        string repartition = admin.GetMetadata(TransactionalClient.Patience).Topics.Select(t => t.Topic)
            .Single(t => t.StartsWith($"{application}-KSTREAM", StringComparison.Ordinal) && t.EndsWith("-repartition", StringComparison.Ordinal));
        TopicPartition[] read = [.. from topic in (string[])[input, repartition] from partition in (int[])[0, 1] select new TopicPartition(topic, partition)];
        return read.All(p => TransactionalClient.Committed(bootstrap, application, p, IsolationLevel.ReadUncommitted) == TransactionalClient.EndOffset(bootstrap, p, IsolationLevel.ReadUncommitted));
    }

    private static SortedDictionary<string, long> Sorted(Dictionary<string, long> counts) => new(counts, StringComparer.Ordinal);

    private static string Text(IEnumerable<KeyValuePair<string, long>> counts) => string.Join(", ", counts.Select(c => $"{c.Key} {c.Value}"));
}
