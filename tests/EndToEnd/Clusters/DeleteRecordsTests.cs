using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Broker.EndToEnd;

/// <summary>Records are deleted when no replica that lives has them any more. The same is expected of Apache Kafka 3.9.</summary>
public sealed class DeleteRecordsTests
{
    private const string Topic = "trimmed";

    [ZooKeeperFact]
    public Task Followers_delete_before_it_is_answered() => DeleteAsync(BrokerKind.Ours);

    [ZooKeeperFact(needsKafka: true)]
    public Task Followers_of_Apache_Kafka_do_so_too() => DeleteAsync(BrokerKind.Kafka);

    private static async Task DeleteAsync(BrokerKind kind)
    {
        await using MemberCluster cluster = await MemberCluster.CreateAsync(3, "zookeeper.session.timeout.ms=30000", "replica.lag.time.max.ms=60000", "auto.leader.rebalance.enable=false");
        await Task.WhenAll(cluster.Members.Select(m => m.StartAsync(kind)));
        using IAdminClient admin = cluster.Admin();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = 1, ReplicationFactor = -1, ReplicasAssignments = new() { [0] = [1, 2, 3] } }]);
        await cluster.FullIsrAsync("after it was created", Topic);
        using (IProducer<Null, string> producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = cluster.Bootstrap, Acks = Acks.All }).SetLogHandler((_, _) => { }).Build())
        {
            foreach (int i in Enumerable.Range(0, 100))
            {
                await producer.ProduceAsync(new TopicPartition(Topic, 0), new Message<Null, string> { Value = $"{i}" });
            }
        }

        Assert.Equal((ErrorCode.NoError, 10), await DeleteAsync(admin, 10, TimeSpan.FromSeconds(60)));
        Assert.Equal((ErrorCode.OffsetOutOfRange, -1), await DeleteAsync(admin, 101, TimeSpan.FromSeconds(60)));

        // One that lives and does not answer: its records may still be there.
        cluster[3].Pause();
        Assert.Equal(ErrorCode.RequestTimedOut, (await DeleteAsync(admin, 20, TimeSpan.FromSeconds(2))).Error);
        cluster[3].Resume();
        Assert.Equal((ErrorCode.NoError, 20), await DeleteAsync(admin, 20, TimeSpan.FromSeconds(60)));

        // One that is gone is not waited for, and deletes when it is back.
        await cluster[3].StopAsync();
        Assert.Equal((ErrorCode.NoError, 30), await DeleteAsync(admin, 30, TimeSpan.FromSeconds(60)));
        await cluster[3].StartAsync(kind);
        await cluster.FullIsrAsync("after it is back");
        Assert.Equal((ErrorCode.NoError, 100), await DeleteAsync(admin, Offset.End, TimeSpan.FromSeconds(60)));
        await cluster[1].StopAsync();
        await cluster[2].StopAsync();
        using IConsumer<Null, string> consumer = new ConsumerBuilder<Null, string>(new ConsumerConfig { BootstrapServers = cluster[3].Bootstrap, GroupId = "unused" }).SetLogHandler((_, _) => { }).Build();
        await Eventually.TrueAsync(() => cluster.Ask(cluster[3], a => a.GetMetadata(Topic, TimeSpan.FromSeconds(5)).Topics[0].Partitions[0].Leader) == 3, $"the last one leads\n{cluster.Logs}");
        Assert.Equal(100, consumer.QueryWatermarkOffsets(new TopicPartition(Topic, 0), TimeSpan.FromSeconds(30)).Low.Value);
    }

    private static async Task<(ErrorCode Error, long LowWatermark)> DeleteAsync(IAdminClient admin, Offset before, TimeSpan patience)
    {
        try
        {
            List<DeleteRecordsResult> results = await admin.DeleteRecordsAsync(
                [new TopicPartitionOffset(Topic, 0, before)], new DeleteRecordsOptions { OperationTimeout = patience, RequestTimeout = patience + TimeSpan.FromSeconds(30) });
            return (ErrorCode.NoError, results[0].Offset);
        }
        catch (DeleteRecordsException e)
        {
            return (e.Results[0].Error.Code, e.Results[0].Offset);
        }
    }
}
