using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Broker.EndToEnd;

/// <summary>Brokers 1 to N as processes on one ZooKeeper, which is not its own. Disposal ends the brokers.</summary>
internal sealed class BrokerCluster : IAsyncDisposable
{
    private BrokerCluster(BrokerProcess[] brokers) => Brokers = brokers;

    public BrokerProcess[] Brokers { get; }

    public string Bootstrap => string.Join(',', Brokers.Select(b => b.Bootstrap));

    /// <summary>What all brokers said, for failures.</summary>
    public string Logs => string.Join("\n----\n", Brokers.Select(b => b.Log));

    /// <param name="zookeeper">zookeeper.connect.</param>
    /// <param name="settings">What broker N has besides.</param>
    /// <param name="count">How many brokers.</param>
    /// <param name="environment">Environment variables of all.</param>
    public static async Task<BrokerCluster> StartAsync(string zookeeper, Func<int, string[]> settings, int count = 3, IReadOnlyDictionary<string, string>? environment = null) =>
        new(await Task.WhenAll(Enumerable.Range(1, count).Select(id => BrokerProcess.StartInAsync(
        environment,
        [
            $"broker.id={id}", $"zookeeper.connect={zookeeper}", "zookeeper.session.timeout.ms=4000", "zookeeper.connection.timeout.ms=60000", "replica.fetch.wait.max.ms=200", "replica.lag.time.max.ms=5000",
            "offsets.topic.num.partitions=3", "transaction.state.log.num.partitions=3", "group.initial.rebalance.delay.ms=0",
            .. settings(id),
        ]))));

    public IAdminClient Admin() => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = Bootstrap }).SetLogHandler((_, _) => { }).Build();

    /// <summary>A topic whose replicas are as said, partition by partition.</summary>
    public async Task CreateTopicAsync(string topic, params int[][] replicas)
    {
        using IAdminClient admin = Admin();
        Dictionary<int, List<int>> assignment = replicas.Select((r, p) => (p, r)).ToDictionary(x => x.p, x => x.r.ToList());
        await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = replicas.Length, ReplicationFactor = -1, ReplicasAssignments = assignment }]);
        await UntilAsync(topic, partitions => partitions.Count == replicas.Length && partitions.All(p => p.InSyncReplicas.Length == p.Replicas.Length), "the new topic is in sync");
    }

    /// <summary>Waits until any broker shows the topic's partitions as wanted.</summary>
    public async Task UntilAsync(string topic, Func<IReadOnlyList<PartitionMetadata>, bool> wanted, string what)
    {
        using IAdminClient admin = Admin();
        await Eventually.TrueAsync(() =>
        {
            try
            {
                return wanted(admin.GetMetadata(topic, TimeSpan.FromSeconds(5)).Topics[0].Partitions);
            }
            catch (KafkaException)
            {
                return false;
            }
        }, $"{what}\n{Logs}", pauseMs: 100);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (BrokerProcess broker in Brokers)
        {
            await broker.DisposeAsync();
        }
    }
}
