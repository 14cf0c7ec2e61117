using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Broker.EndToEnd;

/// <summary>One log directory that Apache Kafka and this broker open in turns.</summary>
public sealed class SharedDirectoryTests
{
    private const string Group = "travellers";

    private static readonly (string Name, int Partitions, Dictionary<string, string> Config)[] Topics =
    [
        ("plain", 2, []),
        ("compacted", 1, new() { ["cleanup.policy"] = "compact", ["segment.bytes"] = "20000", ["min.cleanable.dirty.ratio"] = "0.01" }),
        ("transactional", 1, []),
        ("preallocated", 1, new() { ["preallocate"] = "true", ["segment.bytes"] = "20000" }),
        ("format0", 1, new() { ["message.format.version"] = "0.9.0" }),
        ("format1", 1, new() { ["message.format.version"] = "0.10.2" }),
    ];

    [KafkaFact]
    public async Task Kafka_and_this_broker_read_what_the_other_wrote()
    {
        // Message formats 0 and 1 are written only with an old protocol between brokers.
        await using OracleKafka kafka = await OracleKafka.StartAsync("3.9", "inter.broker.protocol.version=2.8", "log.cleaner.backoff.ms=300");
        await CreateTopicsAsync(kafka.Bootstrap);
        await WriteAsync(kafka.Bootstrap, "kafka", headersIn: ["plain", "compacted", "transactional"]);
        WriteTransactions(kafka.Bootstrap);
        CommitOffsets(kafka.Bootstrap, 7);
        await kafka.WaitForFileAsync("cleaner-offset-checkpoint", text => text.Contains("compacted 0 ", StringComparison.Ordinal));
        await kafka.StopBrokerAsync();
        await kafka.RestartBrokerAsync();
        Dictionary<string, IReadOnlyList<string>> fromKafka = ReadAll(kafka.Bootstrap);
        await kafka.StopBrokerAsync();
        // Its own cleaner leaves time indexes that its own tool finds fault with, where a batch has become empty.
        HashSet<string> complaintsBefore = [.. await InspectAsync(kafka.DataDirectory)];

        Dictionary<string, IReadOnlyList<string>> fromOurs;
        await using (BrokerProcess broker = await BrokerProcess.StartOnAsync(kafka.DataDirectory))
        {
            AssertSame(fromKafka, ReadAll(broker.Bootstrap));
            Assert.Equal(7, Committed(broker.Bootstrap));

            await WriteAsync(broker.Bootstrap, "ours", headersIn: Topics.Select(t => t.Name));
            CommitOffsets(broker.Bootstrap, 11);
            fromOurs = ReadAll(broker.Bootstrap);
            Assert.All(Topics, topic => Assert.True(fromOurs[topic.Name].Count > fromKafka[topic.Name].Count, topic.Name));
            await broker.StopAsync();
        }

        string[] complaints = [.. (await InspectAsync(kafka.DataDirectory)).Where(complaint => !complaintsBefore.Contains(complaint))];
        Assert.True(complaints.Length == 0, string.Join("\n", complaints));
        await kafka.RestartBrokerAsync();
        Dictionary<string, IReadOnlyList<string>> again = ReadAll(kafka.Bootstrap);
        AssertSame(fromOurs, again);
        Assert.Equal(11, Committed(kafka.Bootstrap));
    }

    private static async Task CreateTopicsAsync(string bootstrap)
    {
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build();
        await admin.CreateTopicsAsync(Topics.Select(t => new TopicSpecification { Name = t.Name, NumPartitions = t.Partitions, ReplicationFactor = 1, Configs = t.Config }));
    }

    /// <summary>Every codec, keys and timestamps, headers where the format has them; keys repeat so that there is something to compact.</summary>
    private static async Task WriteAsync(string bootstrap, string writer, IEnumerable<string> headersIn)
    {
        HashSet<string> withHeaders = [.. headersIn];
        foreach (CompressionType codec in (CompressionType[])[CompressionType.None, CompressionType.Gzip, CompressionType.Snappy, CompressionType.Lz4, CompressionType.Zstd])
        {
            // Formats 0 and 1 do not know zstd.
            foreach ((string topic, int partitions, Dictionary<string, string> config) in Topics.Where(t => codec != CompressionType.Zstd || t.Config.Count == 0))
            {
                var settings = new ProducerConfig { BootstrapServers = bootstrap, CompressionType = codec, LingerMs = 5, BatchNumMessages = 50, EnableIdempotence = !topic.StartsWith("format", StringComparison.Ordinal) };
                using IProducer<string, string> producer = new ProducerBuilder<string, string>(settings).SetLogHandler((_, _) => { }).Build();
                var sends = new List<Task>();
                for (int i = 0; i < 200; i++)
                {
                    var message = new Message<string, string>
                    {
                        Key = $"key-{i % 40}",
                        Value = i % 39 == 0 ? null! : $"{writer} {codec} {i} {new string('x', 100)}",
                        Timestamp = new Timestamp(1_700_000_000_000 + i, TimestampType.CreateTime),
                    };
                    if (withHeaders.Contains(topic))
                    {
                        message.Headers = new Headers { { "origin", "header"u8.ToArray() } };
                    }

                    sends.Add(producer.ProduceAsync(new Confluent.Kafka.TopicPartition(topic, i % partitions), message));
                }

                await Task.WhenAll(sends);
            }
        }
    }

    private static void WriteTransactions(string bootstrap)
    {
        using IProducer<string, string> producer = new ProducerBuilder<string, string>(new ProducerConfig { BootstrapServers = bootstrap, TransactionalId = "t" }).SetLogHandler((_, _) => { }).Build();
        producer.InitTransactions(TimeSpan.FromSeconds(60));
        for (int i = 0; i < 6; i++)
        {
            producer.BeginTransaction();
            for (int r = 0; r < 20; r++)
            {
                producer.Produce("transactional", new Message<string, string> { Key = $"t{i}", Value = $"{r}" });
            }

            // An abort would throw away what has not left yet.
            producer.Flush(TimeSpan.FromSeconds(30));
            if (i % 2 == 0)
            {
                producer.CommitTransaction(TimeSpan.FromSeconds(30));
            }
            else
            {
                producer.AbortTransaction(TimeSpan.FromSeconds(30));
            }
        }
    }

    private static Dictionary<string, IReadOnlyList<string>> ReadAll(string bootstrap)
    {
        var all = Topics.ToDictionary(t => t.Name, t => StoredRecords.Read(bootstrap, t.Name, t.Partitions));
        all["transactional, committed"] = StoredRecords.Read(bootstrap, "transactional", 1, IsolationLevel.ReadCommitted);
        Assert.True(all["transactional"].Count > all["transactional, committed"].Count);
        return all;
    }

    private static void AssertSame(Dictionary<string, IReadOnlyList<string>> expected, Dictionary<string, IReadOnlyList<string>> actual)
    {
        foreach ((string what, IReadOnlyList<string> records) in expected)
        {
            // The last broker's cleaner may have gone on meanwhile: of a compacted topic the newest value of every key has to be there, unchanged.
            if (what == "compacted")
            {
                Assert.Equal(Newest(records), Newest(actual[what]));
            }
            else
            {
                Assert.True(records.Count == actual[what].Count, $"{what}: {records.Count} records became {actual[what].Count}");
                Assert.Equal(records, actual[what]);
            }
        }
    }

    /// <summary>The last line of every key that is not a tombstone.</summary>
    private static IEnumerable<string> Newest(IReadOnlyList<string> records) =>
        records.GroupBy(line => line.Split(' ')[4]).Select(key => key.Last()).Where(line => !line.Contains("<null>", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static void CommitOffsets(string bootstrap, long offset)
    {
        using IConsumer<Ignore, Ignore> consumer = new ConsumerBuilder<Ignore, Ignore>(new ConsumerConfig { BootstrapServers = bootstrap, GroupId = Group }).Build();
        consumer.Commit([new TopicPartitionOffset("plain", 1, offset)]);
    }

    private static long Committed(string bootstrap)
    {
        using IConsumer<Ignore, Ignore> consumer = new ConsumerBuilder<Ignore, Ignore>(new ConsumerConfig { BootstrapServers = bootstrap, GroupId = Group }).Build();
        return consumer.Committed([new Confluent.Kafka.TopicPartition("plain", 1)], TimeSpan.FromSeconds(30))[0].Offset.Value;
    }

    /// <summary>What Kafka's own inspection of every log and index finds fault with.</summary>
    private static async Task<List<string>> InspectAsync(string data)
    {
        var complaints = new List<string>();
        string[] files = [.. Directory.EnumerateDirectories(data).Where(d => Topics.Any(t => Path.GetFileName(d).StartsWith(t.Name + "-", StringComparison.Ordinal)))
            .SelectMany(Directory.EnumerateFiles).Where(f => Path.GetExtension(f) is ".log" or ".index" or ".timeindex" or ".snapshot" or ".txnindex").Order(StringComparer.Ordinal)];
        foreach (string check in (string[])["--deep-iteration", "--index-sanity-check"])
        {
            complaints.AddRange(await DumpLog.ComplaintsAsync($"{check} --files {string.Join(',', files)}"));
        }

        string offsets = string.Join(",", Directory.EnumerateFiles(data, "*.log", SearchOption.AllDirectories).Where(f => f.Contains("__consumer_offsets-", StringComparison.Ordinal) && new FileInfo(f).Length > 0));
        CommandResult decoded = await DumpLog.RunAsync($"--offsets-decoder --files {offsets}");
        Assert.Contains(Group, decoded.Output, StringComparison.Ordinal);
        complaints.AddRange(DumpLog.Complaints(decoded));
        return complaints;
    }
}
