using System.Diagnostics;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>
/// Watches, on a thread of its own, for how long the last stable offset of each partition stands below the high watermark at the same offset, which means
/// that one transaction keeps it there. Fails when that is longer than the protocol allows.
/// </summary>
/// <remarks>
/// A transaction that nobody ends is aborted by its coordinator once it is older than its timeout and the next look for such transactions has come; its age
/// goes on while the broker is down, and is known again when the partition is loaded. So with a broker that answers, the offset may stand for the timeout, an
/// interval between two looks, and the time that the markers take. That last one has no bound in the protocol; a generous one is given here. Time counts
/// only between two answers of the same life of the broker, and no more than <see cref="MostMsBetweenAnswers"/> of it: a machine that does nothing for a
/// while must not look like a transaction that hangs. What really hangs goes on to be seen hanging.
/// </remarks>
internal sealed class LastStableOffsetWatch : IAsyncDisposable
{
    private const int PauseMs = 50;
    private const int MostMsBetweenAnswers = 500;
    private const int MostMsForMarkers = 3000;

    private readonly CancellationTokenSource _stop = new();
    private readonly string _bootstrap;
    private readonly TopicPartition[] _partitions;
    private readonly int _limitMs;
    private readonly Task _watching;
    private int _life;
    private long _longestMs;

    /// <param name="bootstrap">The broker.</param>
    /// <param name="partitions">What is watched.</param>
    /// <param name="timeoutMs">Of every transaction in them.</param>
    /// <param name="checkIntervalMs">Between two looks of the coordinator for transactions that are too old.</param>
    public LastStableOffsetWatch(string bootstrap, IEnumerable<TopicPartition> partitions, int timeoutMs, int checkIntervalMs)
    {
        (_bootstrap, _partitions) = (bootstrap, [.. partitions]);
        _limitMs = timeoutMs + checkIntervalMs + MostMsForMarkers;
        _watching = Task.Factory.StartNew(Watch, TaskCreationOptions.LongRunning);
    }

    /// <summary>The longest that any offset stood.</summary>
    public long LongestMs => Interlocked.Read(ref _longestMs);

    /// <summary>The broker was killed: the time until it answers again does not count.</summary>
    public void BrokerRestarts() => Interlocked.Increment(ref _life);

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
        await ((Task)_watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private void Watch()
    {
        using IConsumer<string, string> stable = TransactionalClient.Consumer(_bootstrap, "unused");
        using IConsumer<string, string> all = TransactionalClient.Consumer(_bootstrap, "unused", IsolationLevel.ReadUncommitted);
        var standing = _partitions.ToDictionary(p => p, _ => new Standing());
        while (!_stop.IsCancellationRequested)
        {
            foreach ((TopicPartition partition, Standing since) in standing)
            {
                int life = Volatile.Read(ref _life);
                if (Ask(all, partition) is { } end && Ask(stable, partition) is { } lastStable)
                {
                    long ms = since.Sees(lastStable, end, life);
                    Interlocked.Exchange(ref _longestMs, Math.Max(LongestMs, ms));
                    Assert.True(ms <= _limitMs, $"{partition}: the last stable offset stands at {lastStable} below {end} for {ms} ms, and {_limitMs} ms are the most");
                }
            }

            Thread.Sleep(PauseMs);
        }
    }

    /// <summary>The end of a partition as far as the consumer may read; null while the broker is away.</summary>
    private static long? Ask(IConsumer<string, string> consumer, TopicPartition partition)
    {
        try
        {
            return consumer.QueryWatermarkOffsets(partition, TimeSpan.FromSeconds(1)).High.Value;
        }
        catch (KafkaException)
        {
            return null;
        }
    }

    private sealed class Standing
    {
        private long _offset = -1;
        private long _ms;
        private long _answeredAt;
        private int _life;

        /// <summary>For how long the offset has been standing in the way, as far as the broker could be asked.</summary>
        public long Sees(long lastStable, long end, int life)
        {
            bool goesOn = lastStable == _offset;
            if (lastStable >= end || !goesOn)
            {
                _ms = 0;
            }
            else if (life == _life)
            {
                _ms += Math.Min((long)Stopwatch.GetElapsedTime(_answeredAt).TotalMilliseconds, MostMsBetweenAnswers);
            }

            (_offset, _life, _answeredAt) = (lastStable < end ? lastStable : -1, life, Stopwatch.GetTimestamp());
            return _ms;
        }
    }
}
