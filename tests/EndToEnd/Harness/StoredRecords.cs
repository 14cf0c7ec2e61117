using System.Text;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>Reads topics whole and writes every field of every record down, so that two brokers can be compared.</summary>
internal static class StoredRecords
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>One line per record, in order of partition and offset: partition, offset, timestamp and its type, key, value, headers.</summary>
    public static IReadOnlyList<string> Read(string bootstrap, string topic, int partitions, IsolationLevel isolation = IsolationLevel.ReadUncommitted)
    {
        var lines = new List<(int Partition, long Offset, string Line)>();
        Read(bootstrap, topic, partitions, isolation, result =>
        {
            Message<byte[], byte[]> message = result.Message;
            string headers = string.Join(",", (message.Headers ?? []).Select(h => $"{h.Key}={Text(h.GetValueBytes())}"));
            lines.Add((result.Partition, result.Offset,
                $"{result.Partition.Value} {result.Offset.Value} {message.Timestamp.Type} {message.Timestamp.UnixTimestampMs} {Text(message.Key)} {Text(message.Value)} [{headers}]"));
        });
        return [.. lines.OrderBy(l => l.Partition).ThenBy(l => l.Offset).Select(l => l.Line)];
    }

    /// <summary>The values alone, in order of partition and offset.</summary>
    public static IReadOnlyList<string> Values(string bootstrap, string topic, int partitions, IsolationLevel isolation)
    {
        var values = new List<(int Partition, long Offset, string Value)>();
        Read(bootstrap, topic, partitions, isolation, result => values.Add((result.Partition, result.Offset, Text(result.Message.Value))));
        return [.. values.OrderBy(v => v.Partition).ThenBy(v => v.Offset).Select(v => v.Value)];
    }

    public static void Read(string bootstrap, string topic, int partitions, IsolationLevel isolation, Action<ConsumeResult<byte[], byte[]>> onRecord)
    {
        var config = new ConsumerConfig { BootstrapServers = bootstrap, GroupId = "unused", EnablePartitionEof = true, EnableAutoCommit = false, IsolationLevel = isolation, CheckCrcs = true };
        IConsumer<byte[], byte[]> consumer = new ConsumerBuilder<byte[], byte[]>(config).SetLogHandler((_, _) => { }).Build();
        using var ends = new Ends(consumer);
        consumer.Assign(Enumerable.Range(0, partitions).Select(p => new TopicPartitionOffset(topic, p, Offset.Beginning)));
        using var patience = new CancellationTokenSource(Patience);
        for (int ended = 0; ended < partitions;)
        {
            ConsumeResult<byte[], byte[]> result = consumer.Consume(patience.Token);
            if (result.IsPartitionEOF)
            {
                ended++;
            }
            else
            {
                onRecord(result);
            }
        }
    }

    private static string Text(byte[]? bytes) => bytes is null ? "<null>" : Encoding.UTF8.GetString(bytes);
}
