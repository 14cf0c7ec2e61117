using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>Confluent.Kafka's producers and consumers as the transaction tests use them: silent, and quick to come back after a kill.</summary>
internal static class TransactionalClient
{
    /// <summary>For every call of a client that waits for the server. A call that needs longer is stuck.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static void Commit(this IProducer<string, string> producer) => producer.CommitTransaction(Patience);

    public static void Abort(this IProducer<string, string> producer) => producer.AbortTransaction(Patience);

    public static void End(this IProducer<string, string> producer, bool commit)
    {
        if (commit)
        {
            producer.Commit();
        }
        else
        {
            producer.Abort();
        }
    }

    /// <summary>A producer that has not called InitTransactions yet.</summary>
    public static IProducer<string, string> Create(string bootstrap, string transactionalId, int timeoutMs = 60_000)
    {
        var config = new ProducerConfig
        {
            BootstrapServers = bootstrap, TransactionalId = transactionalId, TransactionTimeoutMs = timeoutMs, LingerMs = 1, RetryBackoffMs = 20, ReconnectBackoffMs = 10, ReconnectBackoffMaxMs = 50,
        };
        return new ProducerBuilder<string, string>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
    }

    public static IProducer<string, string> Start(string bootstrap, string transactionalId, int timeoutMs = 60_000)
    {
        IProducer<string, string> producer = Create(bootstrap, transactionalId, timeoutMs);
        producer.InitTransactions(Patience);
        return producer;
    }

    /// <summary>Writes every value and waits until all are acknowledged, which leaves the transaction open.</summary>
    public static async Task WriteAsync(this IProducer<string, string> producer, string topic, params IEnumerable<string> values) =>
        await Task.WhenAll(values.Select(value => producer.ProduceAsync(topic, new Message<string, string> { Key = value, Value = value }))).WaitAsync(Patience);

    public static async Task WriteAsync(this IProducer<string, string> producer, TopicPartition partition, params IEnumerable<string> values) =>
        await Task.WhenAll(values.Select(value => producer.ProduceAsync(partition, new Message<string, string> { Key = value, Value = value }))).WaitAsync(Patience);

    /// <summary>An idempotent producer without transactions that waits for a broker that is away.</summary>
    public static IProducer<string, string> Plain(string bootstrap)
    {
        var config = new ProducerConfig { BootstrapServers = bootstrap, EnableIdempotence = true, LingerMs = 1, MessageTimeoutMs = 60_000, RetryBackoffMs = 20, ReconnectBackoffMs = 10, ReconnectBackoffMaxMs = 50 };
        return new ProducerBuilder<string, string>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
    }

    public static IConsumer<string, string> Consumer(string bootstrap, string group, IsolationLevel isolation = IsolationLevel.ReadCommitted)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = bootstrap, GroupId = group, IsolationLevel = isolation, EnableAutoCommit = false, EnableAutoOffsetStore = false, AutoOffsetReset = AutoOffsetReset.Earliest,
            EnablePartitionEof = true, ReconnectBackoffMs = 10, ReconnectBackoffMaxMs = 50, FetchWaitMaxMs = 50,
        };
        return new ConsumerBuilder<string, string>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
    }

    /// <summary>The last stable offset with read_committed, the high watermark without.</summary>
    public static long EndOffset(string bootstrap, TopicPartition partition, IsolationLevel isolation)
    {
        using IConsumer<string, string> consumer = Consumer(bootstrap, "unused", isolation);
        return consumer.QueryWatermarkOffsets(partition, Patience).High;
    }

    /// <summary>
    /// What a group has committed. With read_committed the answer waits until no transaction has an offset pending, without it is what was committed before.
    /// </summary>
    public static long Committed(string bootstrap, string group, TopicPartition partition, IsolationLevel isolation)
    {
        using IConsumer<string, string> consumer = Consumer(bootstrap, group, isolation);
        for (DateTime end = DateTime.UtcNow + Patience; ;)
        {
            try
            {
                return consumer.Committed([partition], Patience)[0].Offset;
            }
            catch (KafkaException e) when (DateTime.UtcNow < end && e.Error.Code is Confluent.Kafka.ErrorCode.NotCoordinatorForGroup or Confluent.Kafka.ErrorCode.GroupLoadInProgress)
            {
                // A coordinator that has just been started; this call of librdkafka does not wait for it.
                Thread.Sleep(20);
            }
        }
    }

    /// <summary>Sends the offsets as those of a consumer that shares the group's partitions by hand.</summary>
    public static void SendOffset(this IProducer<string, string> producer, string bootstrap, string group, TopicPartitionOffset offset)
    {
        using IConsumer<string, string> consumer = Consumer(bootstrap, group);
        producer.SendOffsetsToTransaction([offset], consumer.ConsumerGroupMetadata, Patience);
    }
}
