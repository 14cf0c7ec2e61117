using System.Globalization;
using System.Text;
using Broker.ZooKeeper.Tests;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Broker.EndToEnd;

/// <summary>Three brokers and a ZooKeeper as processes, between which leaders, coordinators and the controller move. What happens to them under load: <see cref="FaultTests"/>.</summary>
public sealed class ClusterTests : IAsyncLifetime
{
    private const string Topic = "replicated";
    private const int Partitions = 3;

    private ZooKeeperServer _server = null!;
    private BrokerProcess[] _brokers = [];

    private string Bootstrap => string.Join(',', _brokers.Select(b => b.Bootstrap));

    public async Task InitializeAsync()
    {
        if (ZooKeeperInstallation.Current is null)
        {
            return;
        }

        _server = await ZooKeeperServer.StartAsync();
        _brokers = await Task.WhenAll(Enumerable.Range(1, 3).Select(id => BrokerProcess.StartAsync(
            $"broker.id={id}", $"zookeeper.connect={_server.Address}/kafka", "zookeeper.session.timeout.ms=3000", "min.insync.replicas=2", "default.replication.factor=3",
            "offsets.topic.replication.factor=3", "offsets.topic.num.partitions=6", "transaction.state.log.num.partitions=6", "replica.lag.time.max.ms=5000", "replica.fetch.wait.max.ms=200", "log.segment.bytes=1048576")));
    }

    public async Task DisposeAsync()
    {
        foreach (BrokerProcess broker in _brokers)
        {
            await broker.DisposeAsync();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    [ZooKeeperFact]
    public async Task Transactions_span_partitions_of_several_leaders()
    {
        await CreateTopicAsync();
        var config = new ProducerConfig { BootstrapServers = Bootstrap, TransactionalId = "across", LingerMs = 1 };
        using (IProducer<Null, string> producer = new ProducerBuilder<Null, string>(config).SetLogHandler((_, _) => { }).Build())
        {
            producer.InitTransactions(TimeSpan.FromSeconds(60));
            for (int transaction = 0; transaction < 10; transaction++)
            {
                producer.BeginTransaction();
                for (int p = 0; p < Partitions; p++)
                {
                    producer.Produce(new TopicPartition(Topic, p), new Message<Null, string> { Value = $"{(transaction % 2 == 0 ? "committed" : "aborted")} {transaction}" });
                }

                if (transaction % 2 == 0)
                {
                    producer.CommitTransaction(TimeSpan.FromSeconds(60));
                }
                else
                {
                    producer.Flush(TimeSpan.FromSeconds(60));
                    producer.AbortTransaction(TimeSpan.FromSeconds(60));
                }
            }
        }

        var read = new List<string>();
        StoredRecords.Read(Bootstrap, Topic, Partitions, IsolationLevel.ReadCommitted, result => read.Add($"{result.Partition.Value} {Encoding.UTF8.GetString(result.Message.Value)}"));
        Assert.Equal(
            Enumerable.Range(0, Partitions).SelectMany(p => Enumerable.Range(0, 5).Select(t => $"{p} committed {t * 2}")).Order(StringComparer.Ordinal),
            read.Order(StringComparer.Ordinal));
    }

    [ZooKeeperFact]
    public async Task Groups_go_on_when_their_coordinator_stops_or_dies()
    {
        await CreateTopicAsync();
        var client = new ConfluentDotnet();
        string[] lines = [.. Enumerable.Range(0, 300).Select(i => $"record {i}")];
        await client.ProduceAsync(Bootstrap, Topic, "none", lines);
        foreach (BrokerProcess broker in _brokers)
        {
            // Each in turn: in order, then as a crash. The committed offsets move with their partition.
            IReadOnlyList<string> first = await client.ConsumeAsync(Bootstrap, Topic, $"g{broker.Port}", 300);
            Assert.Equal(lines.Order(StringComparer.Ordinal), first.Order(StringComparer.Ordinal));
            await broker.StopAsync();
            await AgreesAsync($"g{broker.Port}");
            await broker.RestartAsync();
            await FullIsrAsync("after a stop");
            await broker.KillAsync();
            await AgreesAsync($"g{broker.Port}");
            await broker.RestartAsync();
            await FullIsrAsync("after a kill");
        }
    }

    [ZooKeeperFact]
    public async Task A_feature_is_changed_by_the_controller_alone_and_for_every_broker()
    {
        const short NotController = 41;
        RawConnection[] connections = await Task.WhenAll(_brokers.Select(b => RawConnection.OpenAsync(b.Port)));
        // Brokers of Apache Kafka could not join a cluster that began with it.
        await AllSeeAsync(0);
        Assert.Equal((short[])[0, NotController, NotController], (await Task.WhenAll(connections.Select(c => RawFeatures.SetAsync(c, 2)))).Order().ToArray());
        await AllSeeAsync(2);
        Assert.Equal((short[])[0, NotController, NotController], (await Task.WhenAll(connections.Select(c => RawFeatures.SetAsync(c, 1, isDowngrade: true)))).Order().ToArray());
        await AllSeeAsync(1);
        Array.ForEach(connections, c => c.Dispose());

        Task AllSeeAsync(short level) => Eventually.TrueAsync(() => connections.All(c => RawFeatures.LevelAsync(c).Result == level), $"every broker has level {level} in force");
    }

    [ZooKeeperFact]
    public async Task The_number_of_fetchers_changes_while_records_are_replicated()
    {
        const string Led = "led-by-the-first";
        const int Many = 8;
        string Logs() => string.Join("\n----\n", _brokers.Select(b => b.Log));
        using IAdminClient admin = Admin();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = Led, NumPartitions = Many, ReplicationFactor = -1, ReplicasAssignments = Enumerable.Range(0, Many).ToDictionary(p => p, _ => (List<int>)[1, 2, 3]) }]);
        await using var load = new VerifiedLoad(Bootstrap, Led, Many, pauseMs: 1);
        await load.ProgressAsync("with one fetcher", Logs);
        int[] before = [.. _brokers[1..].Select(b => Sockets.To(b.ProcessId, _brokers[0].Port))];
        foreach (int count in (int[])[2, 4, 2, 1])
        {
            await SetFetchersAsync(admin, count);
            await Eventually.TrueAsync(
                () => _brokers[1..].Zip(before).All(b => Sockets.To(b.First.ProcessId, _brokers[0].Port) == b.Second + count - 1), () => $"each follower has {count} connections to fetch by, and not {string.Join(", ", _brokers[1..].Select(b => Sockets.To(b.ProcessId, _brokers[0].Port)))} where it had {string.Join(", ", before)} with those of one\n{Logs()}");
            await load.ProgressAsync($"with {count} fetchers", Logs);
        }

        await load.StopAsync(Logs);
    }

    private static async Task SetFetchersAsync(IAdminClient admin, int count)
    {
        foreach (int follower in (int[])[2, 3])
        {
            await admin.IncrementalAlterConfigsAsync(new()
            {
                [new ConfigResource { Type = ResourceType.Broker, Name = $"{follower}" }] = [new ConfigEntry { Name = "num.replica.fetchers", Value = $"{count}", IncrementalOperation = AlterConfigOpType.Set }],
            });
        }
    }

    private async Task CreateTopicAsync()
    {
        using IAdminClient admin = Admin();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = Partitions, ReplicationFactor = 3 }]);
        await FullIsrAsync("after the creation");
        Metadata metadata = admin.GetMetadata(Topic, TimeSpan.FromSeconds(20));
        Assert.Equal([1, 2, 3], metadata.Topics[0].Partitions.Select(p => p.Leader).Order());
    }

    private IAdminClient Admin() => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = Bootstrap }).SetLogHandler((_, _) => { }).Build();

    private async Task FullIsrAsync(string when)
    {
        using IAdminClient admin = Admin();
        await Eventually.TrueAsync(() =>
        {
            try
            {
                TopicMetadata topic = admin.GetMetadata(Topic, TimeSpan.FromSeconds(5)).Topics[0];
                return topic.Partitions.Count == Partitions && topic.Partitions.TrueForAll(p => p.InSyncReplicas.Length == 3);
            }
            catch (KafkaException)
            {
                return false;
            }
        }, $"all replicas are in sync {when}\n{string.Join("\n----\n", _brokers.Select(b => b.Log))}");
    }

    /// <summary>A group that has read everything finds nothing more, and its offset is known: it was not reset.</summary>
    private async Task AgreesAsync(string group)
    {
        var config = new ConsumerConfig { BootstrapServers = Bootstrap, GroupId = group };
        using IConsumer<Ignore, string> consumer = new ConsumerBuilder<Ignore, string>(config).SetLogHandler((_, _) => { }).Build();
        await Eventually.TrueAsync(() =>
        {
            try
            {
                List<TopicPartitionOffset> committed = consumer.Committed(Enumerable.Range(0, Partitions).Select(p => new TopicPartition(Topic, p)), TimeSpan.FromSeconds(5));
                return committed.Sum(c => Math.Max(0, c.Offset.Value)) == 300;
            }
            catch (KafkaException)
            {
                return false;
            }
        }, $"the offsets of {group} are there\n{string.Join("\n----\n", _brokers.Select(b => b.Log))}");
    }
}
