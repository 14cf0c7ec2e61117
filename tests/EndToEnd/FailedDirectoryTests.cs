using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>Two log directories of which one goes away while the broker runs, as a disk does that fails.</summary>
public sealed class FailedDirectoryTests
{
    [Fact]
    public async Task One_directory_fails_and_the_other_serves_on()
    {
        string root = Directory.CreateTempSubdirectory("broker-dirs-").FullName;
        string good = Path.Combine(root, "good"), bad = Path.Combine(root, "bad");
        await using BrokerProcess broker = await BrokerProcess.StartOnAsync($"{good},{bad}", "log.segment.bytes=65536");
        await new ConfluentDotnet().CreateTopicAsync(broker.Bootstrap, "two", 2);
        int lost = Directory.Exists(Path.Combine(bad, "two-0")) ? 0 : 1;
        Assert.True(Directory.Exists(Path.Combine(good, $"two-{1 - lost}")), "each directory got one of the two partitions");

        using IProducer<Null, byte[]> producer = Producer(broker.Bootstrap);
        Assert.Equal(ErrorCode.NoError, await ProduceAsync(producer, 0, "before"));
        Assert.Equal(ErrorCode.NoError, await ProduceAsync(producer, 1, "before"));

        // Open files go on for a while, new ones cannot be made: the next segment finds out.
        Directory.Move(bad, bad + ".gone");
        ErrorCode error = ErrorCode.NoError;
        int stored = 1;
        for (; error == ErrorCode.NoError; stored += error == ErrorCode.NoError ? 1 : 0)
        {
            Assert.True(stored < 100, "the broker does not notice that its directory is gone");
            error = await ProduceAsync(producer, lost, new string('x', 8192));
        }

        Assert.Equal(ErrorCode.KafkaStorageError, error);
        Assert.Equal(ErrorCode.NoError, await ProduceAsync(producer, 1 - lost, "after"));
        Assert.Contains($"Log directory {bad} is offline", broker.Log, StringComparison.Ordinal);

        // New partitions go where they can.
        await new ConfluentDotnet().CreateTopicAsync(broker.Bootstrap, "later", 2);
        Assert.Equal(2, Directory.GetDirectories(good, "later-*").Length);

        await broker.KillAsync();
        Directory.Move(bad + ".gone", bad);
        await broker.RestartAsync();
        Assert.Equal(2 + stored, StoredRecords.Read(broker.Bootstrap, "two", 2).Count);
        await broker.StopAsync();
        Directory.Delete(root, recursive: true);
    }

    private static IProducer<Null, byte[]> Producer(string bootstrap)
    {
        var config = new ProducerConfig { BootstrapServers = bootstrap, MessageSendMaxRetries = 0, LingerMs = 0 };
        return new ProducerBuilder<Null, byte[]>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
    }

    private static async Task<ErrorCode> ProduceAsync(IProducer<Null, byte[]> producer, int partition, string value)
    {
        try
        {
            await producer.ProduceAsync(new Confluent.Kafka.TopicPartition("two", partition), new Message<Null, byte[]> { Value = System.Text.Encoding.UTF8.GetBytes(value) });
            return ErrorCode.NoError;
        }
        catch (ProduceException<Null, byte[]> e)
        {
            return e.Error.Code;
        }
    }
}
