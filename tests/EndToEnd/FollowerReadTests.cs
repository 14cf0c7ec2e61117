using Broker.ZooKeeper.Tests;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>Three brokers in three racks: consumers that say where they are read from the replica beside them. What each broker sends to clients is counted on its way.</summary>
public sealed class FollowerReadTests : IAsyncLifetime
{
    private const string Topic = "near";
    private const int Records = 2000;
    private const long Bytes = Records * 1024L;
    private const int Leader = 1, Near = 3;

    private readonly TcpProxy[] _ways = new TcpProxy[4];
    private ZooKeeperServer _zookeeper = null!;
    private BrokerCluster _cluster = null!;

    private string Clients => string.Join(',', _ways.Skip(1).Select(way => way.Address));

    public async Task InitializeAsync()
    {
        if (ZooKeeperInstallation.Current is null)
        {
            return;
        }

        _zookeeper = await ZooKeeperServer.StartAsync();
        int[] ports = FreePorts.Find(6);
        for (int id = 1; id <= 3; id++)
        {
            _ways[id] = new TcpProxy(ports[id + 2]);
        }

        _cluster = await BrokerCluster.StartAsync(_zookeeper.Address, id =>
        [
            $"listeners=PLAINTEXT://127.0.0.1:{ports[id - 1]},CLIENT://127.0.0.1:{ports[id + 2]}",
            $"advertised.listeners=PLAINTEXT://127.0.0.1:{ports[id - 1]},CLIENT://{_ways[id].Address}",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CLIENT:PLAINTEXT", "inter.broker.listener.name=PLAINTEXT",
            $"broker.rack=rack{id}", "replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector",
        ]);
        await _cluster.CreateTopicAsync(Topic, [Leader, 2, Near]);
    }

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
            await _zookeeper.DisposeAsync();
            foreach (TcpProxy way in _ways.Skip(1))
            {
                await way.DisposeAsync();
            }
        }
    }

    [ZooKeeperFact(needsKafka: true)]
    public async Task Real_consumers_with_a_rack_read_from_the_replica_there()
    {
        string[] lines = [.. Enumerable.Range(0, Records).Select(i => $"{i:D8}{new string('x', 1016)}")];
        await new ConfluentDotnet().ProduceAsync(Clients, Topic, "none", lines);
        foreach ((string name, Func<string, Task<IReadOnlyList<string>>> consume) in Consumers())
        {
            long[] before = Sent();
            Assert.Equal(lines, await consume($"rack{Near}"));
            long[] sent = [.. Sent().Select((bytes, i) => bytes - before[i])];
            Assert.True(sent[Near] > Bytes, $"{name}: broker {Near} sent {sent[Near]} bytes\n{_cluster.Logs}");
            Assert.True(sent[Leader] < Bytes / 4, $"{name}: the leader sent {sent[Leader]} bytes, broker {Near} {sent[Near]}");

            // Nobody is in that rack: the leader serves.
            before = Sent();
            Assert.Equal(lines, await consume("elsewhere"));
            Assert.True(Sent()[Leader] - before[Leader] > Bytes, $"{name}: the leader sent {Sent()[Leader] - before[Leader]} bytes");
        }
    }

    [ZooKeeperFact]
    public async Task When_the_replica_dies_the_consumer_goes_back_to_the_leader_and_comes_again()
    {
        using var stop = new CancellationTokenSource();
        var produced = new List<string>();
        Task producing = Task.Run(() => ProduceAsync(produced, stop.Token));
        var config = new ConsumerConfig { BootstrapServers = Clients, GroupId = "near", ClientRack = $"rack{Near}", AutoOffsetReset = AutoOffsetReset.Earliest };
        using IConsumer<Ignore, string> consumer = new ConsumerBuilder<Ignore, string>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        consumer.Assign(new TopicPartition(Topic, 0));
        var read = new List<string>();
        Read(consumer, read, 200);
        await SendsAsync(consumer, read, Near);

        await _cluster.Brokers[Near - 1].KillAsync();
        Read(consumer, read, read.Count + 500);
        await SendsAsync(consumer, read, Leader);

        await _cluster.Brokers[Near - 1].RestartAsync();
        await SendsAsync(consumer, read, Near);

        await stop.CancelAsync();
        await producing;
        Read(consumer, read, produced.Count);
        Assert.Equal(produced, read);
    }

    private IEnumerable<(string Name, Func<string, Task<IReadOnlyList<string>>> Consume)> Consumers()
    {
        yield return ("librdkafka of Confluent.Kafka", rack => Task.Run(() =>
        {
            var config = new ConsumerConfig { BootstrapServers = Clients, GroupId = "confluent", ClientRack = rack, AutoOffsetReset = AutoOffsetReset.Earliest };
            using IConsumer<Ignore, string> consumer = new ConsumerBuilder<Ignore, string>(config).SetLogHandler((_, _) => { }).Build();
            consumer.Assign(new TopicPartitionOffset(Topic, 0, Offset.Beginning));
            var read = new List<string>();
            Read(consumer, read, Records);
            return (IReadOnlyList<string>)read;
        }));
        yield return ("kcat", async rack =>
            (await Command.RunAsync("kcat", ["-b", Clients, "-C", "-q", "-t", Topic, "-p", "0", "-o", "beginning", "-c", $"{Records}", "-X", $"client.rack={rack}"])).Succeeded().Lines);
        foreach (string version in (string[])["3.9", "4.3"])
        {
            yield return ($"Java {version}", async rack => (await new KafkaTool(version, Clients).RunAsync(
                "console-consumer", $"--topic {Topic} --partition 0 --offset earliest --max-messages {Records} --consumer-property client.rack={rack}")).Succeeded()
                .Lines.Where(line => !line.StartsWith("Option ", StringComparison.Ordinal)).ToArray());
        }
    }

    private async Task ProduceAsync(List<string> produced, CancellationToken stop)
    {
        var config = new ProducerConfig { BootstrapServers = Clients, Acks = Acks.All, EnableIdempotence = true, MessageTimeoutMs = 120_000 };
        using IProducer<Null, string> producer = new ProducerBuilder<Null, string>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        for (int i = 0; !stop.IsCancellationRequested; i++)
        {
            string value = $"{i:D8}{new string('y', 1000)}";
            await producer.ProduceAsync(new TopicPartition(Topic, 0), new Message<Null, string> { Value = value }, CancellationToken.None);
            produced.Add(value);
        }
    }

    /// <summary>The consumer's records come from this broker: over the next hundred it sends most bytes.</summary>
    private async Task SendsAsync(IConsumer<Ignore, string> consumer, List<string> read, int broker) => await Eventually.TrueAsync(() =>
    {
        long[] before = Sent();
        Read(consumer, read, read.Count + 100);
        long[] sent = [.. Sent().Select((bytes, i) => bytes - before[i])];
        return sent[broker] > 50 * 1024 && sent[broker] > 2 * sent.Where((_, i) => i != broker).Max();
    }, $"broker {broker} sends the records\n{_cluster.Logs}");

    private static void Read(IConsumer<Ignore, string> consumer, List<string> read, int count)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (read.Count < count)
        {
            read.Add(consumer.Consume(patience.Token).Message.Value);
        }
    }

    private long[] Sent() => [.. _ways.Select(way => way?.BytesFromServer ?? 0)];
}
