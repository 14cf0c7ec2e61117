using Broker.ZooKeeper.Tests;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Broker.EndToEnd;

/// <summary>Brokers of either kind around ZooKeeper, ids from 1, and what tests ask of the whole.</summary>
internal sealed class MemberCluster : IAsyncDisposable
{
    private readonly IAsyncDisposable _zookeeper;

    private MemberCluster(IAsyncDisposable zookeeper, string addresses, ClusterMember[] members)
    {
        _zookeeper = zookeeper;
        ZooKeeperAddresses = addresses;
        Members = members;
    }

    public ClusterMember[] Members { get; }

    public string ZooKeeperAddresses { get; }

    public string Bootstrap => string.Join(',', Members.Select(m => m.Bootstrap));

    public string Logs => string.Join("\n----\n", Members.Select(m => m.Log));

    public ClusterMember this[int id] => Members[id - 1];

    /// <summary>Nothing of it runs yet but ZooKeeper.</summary>
    public static Task<MemberCluster> CreateAsync(int count, params string[] settings) => CreateAsync(count, _ => settings);

    /// <summary>The same with settings for each id.</summary>
    public static async Task<MemberCluster> CreateAsync(int count, Func<int, string[]> settings)
    {
        ZooKeeperServer server = await ZooKeeperServer.StartAsync();
        int[] ports = FreePorts.Find(count);
        return new MemberCluster(server, server.Address, [.. ports.Select((port, i) => new ClusterMember(i + 1, port, server.Address, settings(i + 1)))]);
    }

    /// <summary>Around an ensemble, which it disposes of, each broker in a space of its own where there are some.</summary>
    public static MemberCluster Create(int count, ZooKeeperEnsemble ensemble, IReadOnlyList<NetworkSpace>? spaces, params string[] settings)
    {
        int[] ports = spaces is null ? FreePorts.Find(count) : [.. Enumerable.Repeat(9092, count)];
        return new MemberCluster(ensemble, ensemble.Addresses, [.. ports.Select((port, i) => new ClusterMember(i + 1, port, ensemble.Addresses, settings, spaces?[i]))]);
    }

    public IAdminClient Admin(ClusterMember? member = null) =>
        new AdminClientBuilder(new AdminClientConfig { BootstrapServers = member?.Bootstrap ?? Bootstrap }).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();

    /// <summary>What one member answers; nothing while it does not.</summary>
    public T? Ask<T>(ClusterMember member, Func<IAdminClient, T> question)
    {
        using IAdminClient admin = Admin(member);
        return Ask<T?>(() => question(admin), default);
    }

    public async Task<int> ControllerAsync()
    {
        int id = -1;
        await Eventually.TrueAsync(() => (id = ControllerOf(null)) > 0, $"there is a controller\n{Logs}");
        return id;
    }

    /// <summary>Who one of them, or any, says it is; -1 for nobody.</summary>
    private int ControllerOf(ClusterMember? member)
    {
        using IAdminClient admin = Admin(member);
        return Ask(() => admin.DescribeClusterAsync(new DescribeClusterOptions { RequestTimeout = TimeSpan.FromSeconds(5) }).Result.Controller?.Id ?? -1, -1);
    }

    public async Task CreateTopicAsync(string name, int partitions, ClusterMember? through = null)
    {
        using (IAdminClient admin = Admin(through))
        {
            try
            {
                await admin.CreateTopicsAsync([new TopicSpecification { Name = name, NumPartitions = partitions, ReplicationFactor = (short)Members.Length }]);
            }
            catch (KafkaException e) when (e is not CreateTopicsException)
            {
                Assert.Fail($"{name} was not created through {(through is null ? "any" : $"broker {through.Id}")}: {e.Message}; controllers are {string.Join(", ", Members.Select(m => $"{ControllerOf(m)} for {m.Id}"))}\n{Logs}");
            }
        }

        await FullIsrAsync($"after {name} was created", name);
    }

    /// <summary>Every replica of the topics, or of all that there are, is in sync, and every broker says so.</summary>
    public async Task FullIsrAsync(string when, string? topic = null)
    {
        foreach (ClusterMember member in Members)
        {
            using IAdminClient admin = Admin(member);
            List<TopicMetadata> topics = [];
            bool IsFull(PartitionMetadata p) => p.Leader > 0 && p.InSyncReplicas.Length == Members.Length;
            await Eventually.TrueAsync(
                () =>
                {
                    topics = Ask(() => admin.GetMetadata(TimeSpan.FromSeconds(5)).Topics, []);
                    return topics.Count > 0 && (topic is null || topics.Exists(t => t.Topic == topic)) && topics.TrueForAll(t => t.Partitions.TrueForAll(IsFull));
                },
                () =>
                {
                    IEnumerable<string> missing = topics.SelectMany(t => t.Partitions.Where(p => !IsFull(p)), (t, p) => $"{t.Topic}-{p.PartitionId} leader {p.Leader} {p.Error.Code} ISR [{string.Join(", ", p.InSyncReplicas)}]");
                    return $"all replicas are in sync {when}, says broker {member.Id}; of {topics.Count} topics it says: {string.Join("; ", missing)}\n{Logs}";
                },
                TimeSpan.FromSeconds(90));
        }
    }

    /// <summary>Every broker that runs tells what is wanted of the topic, each asked by itself: clients ask any, and none may be behind.</summary>
    public Task UntilAsync(string topic, Func<RawPartition[], bool> wanted, string what) => Eventually.TrueAsync(
        () => Members.Where(m => m.IsRunning).All(m => RawMetadata.AskAsync(m, topic).Result.Partitions is { Length: > 0 } partitions && wanted(partitions)),
        () => $"{topic} is {what}\n{Logs}", TimeSpan.FromSeconds(90), pauseMs: 100);

    /// <summary>By partition, as a broker shows it.</summary>
    public IReadOnlyList<int> Leaders(string topic)
    {
        using IAdminClient admin = Admin();
        return [.. admin.GetMetadata(topic, TimeSpan.FromSeconds(20)).Topics[0].Partitions.OrderBy(p => p.PartitionId).Select(p => p.Leader)];
    }

    /// <summary>When nothing is written any more: stops all, then every directory of a partition has the same records in all members, byte for byte.</summary>
    public async Task StopAndCompareAsync()
    {
        foreach (ClusterMember member in Members)
        {
            await member.StopAsync();
        }

        string[] partitions = [.. Directory.GetDirectories(Members[0].DataDirectory).Select(d => Path.GetFileName(d)).Where(d => !d.EndsWith("-delete", StringComparison.Ordinal))];
        Assert.NotEmpty(partitions);
        foreach (string partition in partitions)
        {
            byte[][] logs = [.. Members.Select(m => LogBytes(Path.Combine(m.DataDirectory, partition)))];
            Assert.All(logs, log => Assert.True(log.AsSpan().SequenceEqual(logs[0]), $"replicas of {partition} differ: {string.Join(", ", logs.Select(l => l.Length))} bytes\n{Logs}"));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ClusterMember member in Members)
        {
            await member.DisposeAsync();
        }

        await _zookeeper.DisposeAsync();
    }

    private static byte[] LogBytes(string directory) => [.. Directory.GetFiles(directory, "*.log").Order(StringComparer.Ordinal).SelectMany(File.ReadAllBytes)];

    private static T Ask<T>(Func<T> question, T otherwise)
    {
        try
        {
            return question();
        }
        catch (Exception e) when (e is KafkaException || e is AggregateException { InnerException: KafkaException })
        {
            return otherwise;
        }
    }
}
