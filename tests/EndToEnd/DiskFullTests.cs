using System.Globalization;
using Confluent.Kafka;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>A log directory on a file system of its own that fills up, is freed, and fills up again.</summary>
public sealed class DiskFullTests(ITestOutputHelper output)
{
    private static int Cycles => int.Parse(Environment.GetEnvironmentVariable("BROKER_DISK_FULL_CYCLES") ?? "20", CultureInfo.InvariantCulture);

    [Fact]
    public async Task A_full_disk_refuses_writes_serves_reads_and_goes_on_when_there_is_room()
    {
        string mount = Directory.CreateTempSubdirectory("broker-full-").FullName;
        CommandResult mounted = await Command.RunAsync("mount", ["-t", "tmpfs", "-o", "size=32m", "tmpfs", mount]);
        if (mounted.ExitCode != 0)
        {
            output.WriteLine($"skipped: mounting a small file system needs root ({mounted.Error.Trim()})");
            Directory.Delete(mount);
            return;
        }

        try
        {
            await using BrokerProcess broker = await BrokerProcess.StartOnAsync(
                Path.Combine(mount, "data"), "log.segment.bytes=1048576", "log.segment.delete.delay.ms=0", "log.dirs.min.free.bytes=4194304", "offsets.topic.num.partitions=1");
            await new ConfluentDotnet().CreateTopicAsync(broker.Bootstrap, "kept", 1);
            await new ConfluentDotnet().ProduceAsync(broker.Bootstrap, "kept", "none", ["one", "two"]);
            for (int cycle = 0; cycle < Cycles; cycle++)
            {
                string topic = $"filling-{cycle}";
                await new ConfluentDotnet().CreateTopicAsync(broker.Bootstrap, topic, 1);
                long stored = FillUntilRefused(broker.Bootstrap, topic, out Confluent.Kafka.ErrorCode refusal);
                Assert.Equal(Confluent.Kafka.ErrorCode.KafkaStorageError, refusal);
                // Everything acknowledged is read while the disk is full.
                Assert.Equal(stored, StoredRecords.Read(broker.Bootstrap, topic, 1).Count);
                Assert.Equal(2 + cycle, StoredRecords.Read(broker.Bootstrap, "kept", 1).Count);

                using (IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = broker.Bootstrap }).Build())
                {
                    await admin.DeleteTopicsAsync([topic]);
                }

                // No restart: writing works again as soon as there is room.
                await Eventually.TrueAsync(() => TryProduce(broker.Bootstrap, "kept", $"after {cycle}") == Confluent.Kafka.ErrorCode.NoError, $"writing goes on after cycle {cycle}\n{broker.Log}");
            }

            await broker.StopAsync();
            await broker.RestartAsync();
            Assert.Equal(2 + Cycles, StoredRecords.Read(broker.Bootstrap, "kept", 1).Count);

            // A start without a single free byte: reads are served, and with room writes.
            await broker.StopAsync();
            string filling = Path.Combine(mount, "filling");
            await Command.RunAsync("dd", ["if=/dev/zero", $"of={filling}", "bs=4096"]);
            Assert.Equal(0, new DriveInfo(mount).AvailableFreeSpace);
            await broker.RestartAsync();
            Assert.Equal(2 + Cycles, StoredRecords.Read(broker.Bootstrap, "kept", 1).Count);
            Assert.Equal(Confluent.Kafka.ErrorCode.KafkaStorageError, TryProduce(broker.Bootstrap, "kept", "refused"));
            File.Delete(filling);
            await Eventually.TrueAsync(() => TryProduce(broker.Bootstrap, "kept", "room") == Confluent.Kafka.ErrorCode.NoError, $"writing goes on after a start without room\n{broker.Log}");
            Assert.Equal(3 + Cycles, StoredRecords.Read(broker.Bootstrap, "kept", 1).Count);
            Assert.Contains($"Log directory {broker.DataDirectory} is full", broker.Log, StringComparison.Ordinal);
            Assert.Contains("has room again", broker.Log, StringComparison.Ordinal);
        }
        finally
        {
            (await Command.RunAsync("umount", ["-l", mount])).Succeeded();
            Directory.Delete(mount);
        }
    }

    /// <summary>Records of 256 KiB, one after the other, until one is refused; answers how many were acknowledged.</summary>
    private static long FillUntilRefused(string bootstrap, string topic, out Confluent.Kafka.ErrorCode refusal)
    {
        byte[] value = new byte[256 * 1024];
        using IProducer<Null, byte[]> producer = Producer(bootstrap);
        for (long n = 0; ; n++)
        {
            Assert.True(n < 200, "50 MiB fit on a disk of 32 MiB");
            refusal = Produce(producer, topic, value);
            if (refusal != Confluent.Kafka.ErrorCode.NoError)
            {
                return n;
            }
        }
    }

    private static Confluent.Kafka.ErrorCode TryProduce(string bootstrap, string topic, string value)
    {
        using IProducer<Null, byte[]> producer = Producer(bootstrap);
        return Produce(producer, topic, System.Text.Encoding.UTF8.GetBytes(value));
    }

    /// <summary>Without retries, so that the broker's answer is seen and nothing is written twice.</summary>
    private static IProducer<Null, byte[]> Producer(string bootstrap)
    {
        var config = new ProducerConfig { BootstrapServers = bootstrap, MessageSendMaxRetries = 0, LingerMs = 0 };
        return new ProducerBuilder<Null, byte[]>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
    }

    private static Confluent.Kafka.ErrorCode Produce(IProducer<Null, byte[]> producer, string topic, byte[] value)
    {
        try
        {
            producer.ProduceAsync(topic, new Message<Null, byte[]> { Value = value }).GetAwaiter().GetResult();
            return Confluent.Kafka.ErrorCode.NoError;
        }
        catch (ProduceException<Null, byte[]> e)
        {
            return e.Error.Code;
        }
    }
}
