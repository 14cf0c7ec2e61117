using System.Globalization;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>Confluent.Kafka, in this process.</summary>
internal sealed class ConfluentAgent(string bootstrap) : TransactionalAgent
{
    private readonly Dictionary<string, IProducer<string, string>> _producers = [];

    public override string ToString() => "Confluent.Kafka";

    public override ValueTask DisposeAsync()
    {
        foreach (IProducer<string, string> producer in _producers.Values)
        {
            producer.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    protected override Task<string> AskAsync(params string[] words) => Task.Run(async () =>
    {
        try
        {
            return $"ok {await RunAsync(words)}".TrimEnd();
        }
        catch (KafkaException e)
        {
            return $"error {e.Error.Code} {e.Error.Reason}";
        }
    });

    private async Task<string> RunAsync(string[] words)
    {
        switch (words[0])
        {
            case "start":
                _producers[words[1]] = TransactionalClient.Start(bootstrap, words[2], int.Parse(words[3], CultureInfo.InvariantCulture));
                return "";
            case "begin":
                _producers[words[1]].BeginTransaction();
                return "";
            case "send":
                await Task.WhenAll(Enumerable.Range(0, int.Parse(words[3], CultureInfo.InvariantCulture)).Select(p => _producers[words[1]].WriteAsync(new TopicPartition(words[2], p), words[4])));
                return "";
            case "offset":
                _producers[words[1]].SendOffset(bootstrap, words[2], new TopicPartitionOffset(words[3], 0, long.Parse(words[4], CultureInfo.InvariantCulture)));
                return "";
            case "commit" or "abort":
                _producers[words[1]].End(commit: words[0] == "commit");
                return "";
            case "read":
                return string.Join(',', Read(new TopicPartition(words[1], 0), words[2] == "committed" ? IsolationLevel.ReadCommitted : IsolationLevel.ReadUncommitted, words[3]));
            case "committed":
                long offset = TransactionalClient.Committed(bootstrap, words[1], new TopicPartition(words[2], 0), IsolationLevel.ReadCommitted);
                return offset == Offset.Unset ? "none" : $"{offset}";
            default:
                throw new ArgumentException($"No command is called {words[0]}", nameof(words));
        }
    }

    private List<string> Read(TopicPartition partition, IsolationLevel isolation, string last)
    {
        using IConsumer<string, string> consumer = TransactionalClient.Consumer(bootstrap, "reader", isolation);
        consumer.Assign(new TopicPartitionOffset(partition, Offset.Beginning));
        var values = new List<string>();
        using var patience = new CancellationTokenSource(TransactionalClient.Patience);
        while (values.Count == 0 || values[^1] != last)
        {
            if (consumer.Consume(patience.Token) is { IsPartitionEOF: false } result)
            {
                values.Add(result.Message.Value);
            }
        }

        return values;
    }
}
