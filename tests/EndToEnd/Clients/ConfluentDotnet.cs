using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Broker.EndToEnd;

/// <summary>Confluent.Kafka, on the newest librdkafka, inside the test process.</summary>
internal sealed class ConfluentDotnet() : RealClient("confluent-kafka-dotnet")
{
    public override async Task CreateTopicAsync(string bootstrap, string topic, int partitions)
    {
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = partitions, ReplicationFactor = 1 }]);
    }

    public override async Task ProduceAsync(string bootstrap, string topic, string codec, IReadOnlyList<string> lines)
    {
        var config = new ProducerConfig { BootstrapServers = bootstrap, CompressionType = Enum.Parse<CompressionType>(codec, ignoreCase: true), EnableIdempotence = true };
        using IProducer<Null, string> producer = new ProducerBuilder<Null, string>(config).Build();
        await Task.WhenAll(lines.Select(line => producer.ProduceAsync(topic, new Message<Null, string> { Value = line })));
    }

    public override Task<IReadOnlyList<string>> ConsumeAsync(string bootstrap, string topic, string group, int count) => Task.Run(() =>
    {
        var config = new ConsumerConfig { BootstrapServers = bootstrap, GroupId = group, AutoOffsetReset = AutoOffsetReset.Earliest };
        using IConsumer<Ignore, string> consumer = new ConsumerBuilder<Ignore, string>(config).Build();
        consumer.Subscribe(topic);
        var lines = new List<string>(count);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        while (lines.Count < count)
        {
            lines.Add(consumer.Consume(patience.Token).Message.Value);
        }

        consumer.Close();
        return (IReadOnlyList<string>)lines;
    });
}
