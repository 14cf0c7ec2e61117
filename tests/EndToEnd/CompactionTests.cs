using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Broker.EndToEnd;

/// <summary>A compacted topic as clients and Apache Kafka's own tool see it.</summary>
public sealed class CompactionTests : IAsyncLifetime
{
    private const string Topic = "compacted";
    private const int Keys = 200;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private BrokerProcess _broker = null!;

    public async Task InitializeAsync() => _broker = await BrokerProcess.StartAsync("log.cleaner.backoff.ms=100", "log.cleaner.min.cleanable.ratio=0");

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [KafkaFact]
    public async Task Kafka_accepts_the_files_that_cleaning_writes()
    {
        await CreateTopicAsync();
        Dictionary<string, string> last = [];
        string[] codecs = ["none", "gzip", "snappy", "lz4", "zstd"];
        for (int round = 0; round < 10; round++)
        {
            await ProduceAsync(codecs[round % codecs.Length], round, last);
        }

        await WaitUntilCleanedAsync();
        Assert.Equal(last.OrderBy(p => p.Key, StringComparer.Ordinal), Consume().OrderBy(p => p.Key, StringComparer.Ordinal));
        await _broker.StopAsync();
        string directory = Path.Combine(_broker.DataDirectory, $"{Topic}-0");
        string[] files = [.. Directory.GetFiles(directory).Where(f => f.EndsWith("log", StringComparison.Ordinal) || f.EndsWith("index", StringComparison.Ordinal))];
        Assert.True(new FileInfo(files.Where(f => f.EndsWith(".log", StringComparison.Ordinal)).Min()!).Length > 0);
        await DumpAsync($"--deep-iteration --print-data-log --files {string.Join(',', files)}");
        await DumpAsync($"--index-sanity-check --files {string.Join(',', files.Where(f => f.EndsWith(".index", StringComparison.Ordinal)))}");
    }

    /// <summary>Compaction leaves gaps between offsets; all else would be a fault.</summary>
    private static async Task DumpAsync(string arguments) =>
        Assert.DoesNotContain(await DumpLog.ComplaintsAsync(arguments), complaint => !complaint.Contains("Non-consecutive", StringComparison.Ordinal));

    private async Task CreateTopicAsync()
    {
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = _broker.Bootstrap }).Build();
        Dictionary<string, string> config = new()
        {
            ["cleanup.policy"] = "compact", ["segment.bytes"] = "20000", ["index.interval.bytes"] = "500", ["delete.retention.ms"] = "86400000",
        };
        await admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = 1, ReplicationFactor = 1, Configs = config }]);
    }

    private async Task ProduceAsync(string codec, int round, Dictionary<string, string> last)
    {
        var config = new ProducerConfig
        {
            BootstrapServers = _broker.Bootstrap, CompressionType = Enum.Parse<CompressionType>(codec, ignoreCase: true), EnableIdempotence = true, BatchSize = 4000,
        };
        using IProducer<string, string?> producer = new ProducerBuilder<string, string?>(config).SetValueSerializer(new NullableText()).Build();
        List<Task> sent = [];
        for (int key = round % 3; key < Keys; key += 1 + (round % 3))
        {
            string name = $"key{key}";
            string? value = (key + round) % 11 == 0 ? null : $"{round}-{key}-{Guid.NewGuid()}";
            sent.Add(producer.ProduceAsync(Topic, new Message<string, string?> { Key = name, Value = value }));
            last[name] = value ?? "";
        }

        await Task.WhenAll(sent);
    }

    /// <summary>Until everything but the active segment is clean, as the checkpoint says.</summary>
    private Task WaitUntilCleanedAsync()
    {
        string directory = Path.Combine(_broker.DataDirectory, $"{Topic}-0");
        string checkpoint = Path.Combine(_broker.DataDirectory, "cleaner-offset-checkpoint");
        return Eventually.TrueAsync(
            () =>
            {
                long active = Directory.GetFiles(directory, "*.log").Max(f => long.Parse(Path.GetFileNameWithoutExtension(f), CultureInfo.InvariantCulture));
                return active > 0 && File.Exists(checkpoint) && File.ReadAllLines(checkpoint).Contains($"{Topic} 0 {active}");
            },
            $"everything but the active segment is clean\n{_broker.Log}");
    }

    private Dictionary<string, string> Consume()
    {
        var config = new ConsumerConfig { BootstrapServers = _broker.Bootstrap, GroupId = "reader", AutoOffsetReset = AutoOffsetReset.Earliest, EnablePartitionEof = true };
        using IConsumer<string, string> consumer = new ConsumerBuilder<string, string>(config).Build();
        consumer.Assign(new TopicPartition(Topic, 0));
        using var patience = new CancellationTokenSource(Patience);
        Dictionary<string, string> seen = [];
        int count = 0;
        while (consumer.Consume(patience.Token) is { IsPartitionEOF: false } record)
        {
            seen[record.Message.Key] = record.Message.Value ?? "";
            count++;
        }

        Assert.InRange(count, Keys, 3 * Keys);
        consumer.Close();
        return seen;
    }

    private sealed class NullableText : ISerializer<string?>
    {
        public byte[] Serialize(string? data, SerializationContext context) => data is null ? null! : System.Text.Encoding.UTF8.GetBytes(data);
    }
}
