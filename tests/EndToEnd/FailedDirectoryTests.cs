using Broker.ZooKeeper.Tests;
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

    [ZooKeeperFact]
    public async Task In_a_cluster_others_lead_what_was_in_the_directory()
    {
        string root = Directory.CreateTempSubdirectory("broker-dirs-").FullName;
        string good = Path.Combine(root, "good"), bad = Path.Combine(root, "bad");
        await using ZooKeeperServer zookeeper = await ZooKeeperServer.StartAsync();
        await using BrokerCluster cluster = await BrokerCluster.StartAsync(zookeeper.Address, id =>
            [.. id == 1 ? (string[])[$"log.dirs={good},{bad}"] : [], "log.segment.bytes=65536", "min.insync.replicas=2", "auto.leader.rebalance.enable=false"]);
        await cluster.CreateTopicAsync("two", [1, 2, 3], [1, 2, 3]);
        int lost = Directory.Exists(Path.Combine(bad, "two-0")) ? 0 : 1;
        Directory.Move(bad, bad + ".gone");
        int stored = 0;
        using (IProducer<Null, byte[]> producer = new ProducerBuilder<Null, byte[]>(new ProducerConfig { BootstrapServers = cluster.Bootstrap, Acks = Acks.All, EnableIdempotence = true, LingerMs = 0 })
            .SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build())
        {
            // The next segment finds out; the producer is sent on and loses nothing.
            for (; stored < 40 || !cluster.Brokers[0].Log.Contains("is offline", StringComparison.Ordinal); stored += 2)
            {
                Assert.True(stored < 400, $"the broker does not notice that its directory is gone\n{cluster.Logs}");
                Assert.Equal(ErrorCode.NoError, await ProduceAsync(producer, lost, new string('x', 8192)));
                Assert.Equal(ErrorCode.NoError, await ProduceAsync(producer, 1 - lost, "small"));
            }

            await cluster.UntilAsync("two", p => p[lost].Leader is 2 or 3 && p[lost].InSyncReplicas.Order().SequenceEqual([2, 3]), "others lead what was in the directory");
            await cluster.UntilAsync("two", p => p[1 - lost].Leader == 1 && p[1 - lost].InSyncReplicas.Length == 3, "the other directory serves on");
            Assert.Equal(ErrorCode.NoError, await ProduceAsync(producer, lost, "after"));
        }

        Assert.Equal(stored + 1, StoredRecords.Read(cluster.Bootstrap, "two", 2).Count);

        // Started without it: its replicas are not begun anew in the other directory. With it: they catch up.
        await cluster.Brokers[0].StopAsync();
        await File.WriteAllTextAsync(bad, "no directory");
        await cluster.Brokers[0].RestartAsync();
        await cluster.UntilAsync("two", p => p[1 - lost].InSyncReplicas.Length == 3, "the good directory is in sync again");
        await cluster.UntilAsync("two", p => p[lost].InSyncReplicas.Order().SequenceEqual([2, 3]), "what was lost is not in sync");
        Assert.False(Directory.Exists(Path.Combine(good, $"two-{lost}")), cluster.Logs);
        await cluster.Brokers[0].StopAsync();
        File.Delete(bad);
        Directory.Move(bad + ".gone", bad);
        await cluster.Brokers[0].RestartAsync();
        await cluster.UntilAsync("two", p => p.All(q => q.InSyncReplicas.Length == 3), "all is in sync with the directory back");
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
