using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>Asks all the time, on a thread of its own, how far each partition can be read. What was once shown never goes back, whoever leads.</summary>
internal sealed class HighWatermarkWatch : IAsyncDisposable
{
    private const int PauseMs = 50;

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _watching;

    public HighWatermarkWatch(string bootstrap, string topic, int partitions) =>
        _watching = Task.Factory.StartNew(() => Watch(bootstrap, [.. Enumerable.Range(0, partitions).Select(p => new TopicPartition(topic, p))]), TaskCreationOptions.LongRunning);

    /// <summary>Throws what was found wrong.</summary>
    public void Check()
    {
        if (_watching.IsCompleted)
        {
            _watching.GetAwaiter().GetResult();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        // What it found is thrown by Check; here it only has to have ended.
        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private void Watch(string bootstrap, TopicPartition[] partitions)
    {
        using IConsumer<string, string> consumer = TransactionalClient.Consumer(bootstrap, "unused", IsolationLevel.ReadUncommitted);
        var highest = partitions.ToDictionary(p => p, _ => 0L);
        while (!_stop.IsCancellationRequested)
        {
            foreach (TopicPartition partition in partitions)
            {
                if (Ask(consumer, partition) is { } now)
                {
                    Assert.True(now >= highest[partition], $"{partition}: the high watermark was {highest[partition]} and is {now}");
                    highest[partition] = now;
                }
            }

            Thread.Sleep(PauseMs);
        }
    }

    private static long? Ask(IConsumer<string, string> consumer, TopicPartition partition)
    {
        try
        {
            return consumer.QueryWatermarkOffsets(partition, TimeSpan.FromSeconds(1)).High.Value;
        }
        catch (KafkaException)
        {
            // Nobody leads, or cannot be reached.
            return null;
        }
    }
}
