using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>Two brokers of Apache Kafka 3.9 in ZooKeeper mode and one of ours are one cluster, whoever of them is the controller.</summary>
public sealed class MixedClusterTests(ITestOutputHelper output)
{
    private const string Topic = "mixed";
    private const string Ledger = "ledger";
    private const int Partitions = 3;
    private const int Records = 300;

    /// <summary>Brokers that are swapped under load; 6 are all three and back.</summary>
    private static int Swaps => int.Parse(Environment.GetEnvironmentVariable("BROKER_MIXED_SWAPS") ?? "2", CultureInfo.InvariantCulture);

    [ZooKeeperFact(needsKafka: true)]
    public async Task Everything_works_across_both_kinds_with_the_controller_on_either_side()
    {
        await using MemberCluster cluster = await CreateAsync();
        await cluster[1].StartAsync(BrokerKind.Kafka);
        await Task.WhenAll(cluster[2].StartAsync(BrokerKind.Kafka), cluster[3].StartAsync(BrokerKind.Ours));
        await UseAsync(cluster, "kafka", 1);

        // Our broker is the first to see that the office is free once both others have been away.
        await RestartAsync(cluster, 2);
        await cluster[1].StopAsync();
        if (await cluster.ControllerAsync() != 3)
        {
            await cluster[1].StartAsync(BrokerKind.Kafka);
            await cluster[2].StopAsync();
            await cluster[2].StartAsync(BrokerKind.Kafka);
        }
        else
        {
            await cluster[1].StartAsync(BrokerKind.Kafka);
        }

        // A broker of Apache Kafka listens before it is told who the controller is, and librdkafka does not ask twice.
        await cluster.FullIsrAsync("after all were away once");
        await UseAsync(cluster, "ours", 3);
        await cluster.StopAndCompareAsync();
    }

    [ZooKeeperFact(needsKafka: true)]
    public async Task Brokers_are_swapped_under_load_and_back_without_an_error()
    {
        await using MemberCluster cluster = await CreateAsync();
        await cluster[1].StartAsync(BrokerKind.Kafka);
        await Task.WhenAll(cluster[2].StartAsync(BrokerKind.Kafka), cluster[3].StartAsync(BrokerKind.Ours));
        await cluster.CreateTopicAsync(Topic, Partitions);
        await cluster.CreateTopicAsync(Ledger, Partitions);
        await using var load = new VerifiedLoad(cluster.Bootstrap, Topic, Partitions);
        await using var transactions = new TransactionalLoad(cluster.Bootstrap, Ledger, Partitions, "mover");
        for (int swap = 0; swap < Swaps; swap++)
        {
            // With two: the first broker there and back.
            ClusterMember member = cluster[Swaps < 6 ? 1 : (swap % 3) + 1];
            BrokerKind kind = member.Kind == BrokerKind.Ours ? BrokerKind.Kafka : BrokerKind.Ours;
            string name = $"swap {swap} of broker {member.Id} to {kind}";
            await load.ProgressAsync($"before {name}", () => cluster.Logs);
            load.TakeLongestPause();
            await member.StopAsync();
            await load.ProgressAsync($"without it in {name}", () => cluster.Logs);
            await member.StartAsync(kind);
            await cluster.FullIsrAsync($"after {name}");
            await load.ProgressAsync($"after {name}", () => cluster.Logs);
            await transactions.ProgressAsync($"after {name}", () => cluster.Logs);
            output.WriteLine($"{DateTime.Now:T} {name}: controller is {await cluster.ControllerAsync()}, longest pause {load.TakeLongestPause().TotalMilliseconds:F0} ms");
        }

        await load.StopAsync(() => cluster.Logs);
        await transactions.StopAsync(() => cluster.Logs);
        TransactionalLoad.Check(cluster.Bootstrap, Ledger, Partitions, [transactions], () => cluster.Logs);
        output.WriteLine($"{load.Acknowledged} records acknowledged, {transactions.Committed} transactions committed, {transactions.Aborted} aborted");
        await cluster.FullIsrAsync("at the end");
        await cluster.StopAndCompareAsync();
    }

    private async Task UseAsync(MemberCluster cluster, string name, int controller)
    {
        output.WriteLine($"{DateTime.Now:T} {name}: controller is {await cluster.ControllerAsync()}");
        Assert.Equal(cluster[controller].Kind, cluster[await cluster.ControllerAsync()].Kind);
        string[] topics = [.. cluster.Members.Select(m => $"{name}-{m.Id}")];
        foreach (ClusterMember member in cluster.Members)
        {
            // The client finds the controller by any of them.
            await cluster.CreateTopicAsync(topics[member.Id - 1], Partitions, member);
            Assert.Equal([1, 2, 3], cluster.Leaders(topics[member.Id - 1]).Order());
        }

        await ConfigureAsync(cluster, topics[0]);
        await CommittedAsync(cluster, topics[0]);
        await TransactAsync(cluster, topics[1]);
        await DeleteAsync(cluster, topics[2]);

        // Leaders, coordinators and open producer states move to others and back.
        await using var load = new VerifiedLoad(cluster.Bootstrap, topics[1], Partitions);
        foreach (ClusterMember member in cluster.Members.Where(m => m.Id != controller))
        {
            await load.ProgressAsync("before a restart", () => cluster.Logs);
            await RestartAsync(cluster, member.Id);
            await load.ProgressAsync("after a restart", () => cluster.Logs);
            output.WriteLine($"{DateTime.Now:T} broker {member.Id} was restarted, longest pause {load.TakeLongestPause().TotalMilliseconds:F0} ms");
        }

        await load.StopAsync(() => cluster.Logs);
        Assert.All(Groups(topics[0]), group => Assert.Equal(Records, CommittedBy(cluster, topics[0], group)));
    }

    private static async Task RestartAsync(MemberCluster cluster, int id)
    {
        await cluster[id].StopAsync();
        await cluster[id].StartAsync(cluster[id].Kind);
        await cluster.FullIsrAsync($"after {id} was restarted");
    }

    private static async Task ConfigureAsync(MemberCluster cluster, string topic)
    {
        foreach (ClusterMember through in cluster.Members)
        {
            var resource = new ConfigResource { Type = ResourceType.Topic, Name = topic };
            string value = $"{1_000_000 + through.Id}";
            using (IAdminClient admin = cluster.Admin(through))
            {
                await admin.IncrementalAlterConfigsAsync(new() { [resource] = [new ConfigEntry { Name = "retention.ms", Value = value, IncrementalOperation = AlterConfigOpType.Set }] });
            }

            foreach (ClusterMember member in cluster.Members)
            {
                using IAdminClient admin = cluster.Admin(member);
                await Eventually.TrueAsync(
                    () => admin.DescribeConfigsAsync([resource], new DescribeConfigsOptions()).Result[0].Entries["retention.ms"].Value == value, $"broker {member.Id} knows what {through.Id} was told\n{cluster.Logs}");
            }
        }
    }

    /// <summary>Groups with coordinators on all members: each reads everything that each member as leader took, and finds its offsets wherever its coordinator is later.</summary>
    private static async Task CommittedAsync(MemberCluster cluster, string topic)
    {
        using (IProducer<string, string> producer = new ProducerBuilder<string, string>(new ProducerConfig { BootstrapServers = cluster.Bootstrap, Acks = Acks.All, EnableIdempotence = true }).SetLogHandler((_, _) => { }).Build())
        {
            for (int i = 0; i < Records; i++)
            {
                producer.Produce(new TopicPartition(topic, i % Partitions), new Message<string, string> { Key = $"{i}", Value = $"{topic} {i}" });
            }

            producer.Flush(TimeSpan.FromSeconds(60));
        }

        string[] groups = Groups(topic);
        await Task.WhenAll(groups.Select(group => Task.Run(() => ReadAll(cluster, topic, group))));
        Assert.All(groups, group => Assert.Equal(Records, CommittedBy(cluster, topic, group)));
    }

    /// <summary>Enough to have coordinators on all members.</summary>
    private static string[] Groups(string topic) => [.. Enumerable.Range(0, 6).Select(i => $"{topic}-group-{i}")];

    private static void ReadAll(MemberCluster cluster, string topic, string group)
    {
        var config = new ConsumerConfig { BootstrapServers = cluster.Bootstrap, GroupId = group, AutoOffsetReset = AutoOffsetReset.Earliest, EnableAutoCommit = false };
        using IConsumer<string, string> consumer = new ConsumerBuilder<string, string>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        consumer.Subscribe(topic);
        var read = new HashSet<string>();
        for (DateTime end = DateTime.UtcNow.AddSeconds(60); read.Count < Records;)
        {
            Assert.True(DateTime.UtcNow < end, $"{group} has read {read.Count} records of {Records}\n{cluster.Logs}");
            try
            {
                if (consumer.Consume(TimeSpan.FromMilliseconds(200)) is { } result)
                {
                    read.Add(result.Message.Value);
                }
            }
            catch (ConsumeException e) when (e.Error.Code == ErrorCode.UnknownTopicOrPart)
            {
                // A broker of the cluster that has not heard of the topic yet.
            }
        }

        consumer.Commit();
        consumer.Close();
    }

    private static long CommittedBy(MemberCluster cluster, string topic, string group)
    {
        using IConsumer<string, string> consumer = new ConsumerBuilder<string, string>(new ConsumerConfig { BootstrapServers = cluster.Bootstrap, GroupId = group }).SetLogHandler((_, _) => { }).Build();
        return consumer.Committed(Enumerable.Range(0, Partitions).Select(p => new TopicPartition(topic, p)), TimeSpan.FromSeconds(30)).Sum(c => Math.Max(0, c.Offset.Value));
    }

    /// <summary>Transactions with coordinators on all members, each over partitions that all members lead.</summary>
    private static async Task TransactAsync(MemberCluster cluster, string topic)
    {
        string ledger = $"{topic}-{Ledger}";
        await cluster.CreateTopicAsync(ledger, Partitions);
        TransactionalLoad[] loads = [.. Enumerable.Range(0, 6).Select(i => new TransactionalLoad(cluster.Bootstrap, ledger, Partitions, $"{topic}-t{i}"))];
        try
        {
            foreach (TransactionalLoad load in loads)
            {
                await load.ProgressAsync("across members", () => cluster.Logs);
            }

            foreach (TransactionalLoad load in loads)
            {
                await load.StopAsync(() => cluster.Logs);
            }

            TransactionalLoad.Check(cluster.Bootstrap, ledger, Partitions, loads, () => cluster.Logs);
        }
        finally
        {
            await Task.WhenAll(loads.Select(load => load.DisposeAsync().AsTask()));
        }
    }

    private static async Task DeleteAsync(MemberCluster cluster, string topic)
    {
        using (IAdminClient admin = cluster.Admin())
        {
            await admin.DeleteTopicsAsync([topic]);
        }

        await Eventually.TrueAsync(
            () => cluster.Members.All(m => !Directory.EnumerateDirectories(m.DataDirectory, $"{topic}-*").Any(d => !d.EndsWith("-delete", StringComparison.Ordinal))), $"no member has {topic} any more\n{cluster.Logs}");

        // Apache Kafka says that it is marked for deletion until the last node is gone.
        await Eventually.DoneAsync(() => cluster.CreateTopicAsync(topic, Partitions), (CreateTopicsException e) => e.Results[0].Error.Code == ErrorCode.TopicAlreadyExists, $"{topic} is made anew");
    }

    private static Task<MemberCluster> CreateAsync() => MemberCluster.CreateAsync(
        3, "zookeeper.session.timeout.ms=6000", "min.insync.replicas=2", "default.replication.factor=3", "offsets.topic.replication.factor=3", "offsets.topic.num.partitions=6",
        "transaction.state.log.replication.factor=3", "transaction.state.log.num.partitions=6", "transaction.state.log.min.isr=2", "group.initial.rebalance.delay.ms=0",
        "replica.lag.time.max.ms=10000", "log.segment.bytes=1048576", "controlled.shutdown.retry.backoff.ms=500");
}
