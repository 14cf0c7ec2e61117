using System.Diagnostics;
using System.Globalization;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>A producer (librdkafka, acks=all, everything else as it comes) that never stops writing to a topic, and knows when what was acknowledged in its partition 0.</summary>
internal sealed class AcknowledgementProbe : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private readonly Task _work;
    private (long After, TaskCompletionSource<long> Acknowledged)? _waiter;

    /// <param name="bootstrap">Brokers.</param>
    /// <param name="topic">What is asked is when partition 0 takes a record.</param>
    /// <param name="partitions">A producer has connections to the leaders that it writes to: librdkafka, with none but to one that died, asks nobody for the next leader before a second is over.</param>
    public AcknowledgementProbe(string bootstrap, string topic, int partitions) => _work = Task.Run(() => ProduceAsync(bootstrap, topic, partitions));

    /// <summary>When the first record that was sent after a moment is acknowledged; both as <see cref="Stopwatch"/> gives them.</summary>
    public Task<long> NextAsync(long after)
    {
        var acknowledged = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _waiter = (after, acknowledged);
        }

        return acknowledged.Task.WaitAsync(Patience);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work;
        _stop.Dispose();
    }

    private async Task ProduceAsync(string bootstrap, string topic, int partitions)
    {
        var config = new ProducerConfig { BootstrapServers = bootstrap, Acks = Acks.All };
        using IProducer<Null, string> producer = new ProducerBuilder<Null, string>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        for (int i = 0; !_stop.IsCancellationRequested; i++)
        {
            long sent = Stopwatch.GetTimestamp();
            producer.Produce(new TopicPartition(topic, 0), new Message<Null, string> { Value = i.ToString(CultureInfo.InvariantCulture) }, report => OnReport(sent, report.Error));
            for (int p = 1; p < partitions; p++)
            {
                producer.Produce(new TopicPartition(topic, p), new Message<Null, string> { Value = "" });
            }

            await Task.Delay(5);
        }

        producer.Flush(Patience);
    }

    private void OnReport(long sent, Error error)
    {
        long now = Stopwatch.GetTimestamp();
        lock (_lock)
        {
            if (_waiter is { } waiter && sent >= waiter.After)
            {
                _waiter = null;
                if (error.IsError)
                {
                    waiter.Acknowledged.TrySetException(new KafkaException(error));
                }
                else
                {
                    waiter.Acknowledged.TrySetResult(now);
                }
            }
        }
    }
}
