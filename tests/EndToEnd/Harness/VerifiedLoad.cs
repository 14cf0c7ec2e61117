using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>
/// One idempotent producer (librdkafka, acks=all) for each partition of a topic, that writes numbers without a stop, and a group of one consumer that reads them. An error
/// that a client does not get over by itself ends the load and is reported by <see cref="StopAsync"/>.
/// </summary>
internal sealed class VerifiedLoad : IAsyncDisposable
{
    private const int MaxInFlight = 20;

    private readonly string _bootstrap;
    private readonly string _topic;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<int>[] _acknowledged;
    private readonly HashSet<int>[] _consumed;
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly long[] _longestPauses;
    private readonly Task[] _work;

    public VerifiedLoad(string bootstrap, string topic, int partitions)
    {
        _bootstrap = bootstrap;
        _topic = topic;
        _acknowledged = [.. Enumerable.Range(0, partitions).Select(_ => new ConcurrentQueue<int>())];
        _consumed = [.. Enumerable.Range(0, partitions).Select(_ => new HashSet<int>())];
        _longestPauses = new long[partitions];
        _work = [.. Enumerable.Range(0, partitions).Select(p => Task.Run(() => ProduceAsync(p))), Task.Factory.StartNew(Consume, TaskCreationOptions.LongRunning)];
    }

    public int Acknowledged => _acknowledged.Sum(a => a.Count);

    /// <summary>Longest time between two acknowledged records of one partition, since the start or the last call.</summary>
    public TimeSpan TakeLongestPause()
    {
        long longest = 0;
        for (int p = 0; p < _longestPauses.Length; p++)
        {
            longest = Math.Max(longest, Interlocked.Exchange(ref _longestPauses[p], 0));
        }

        return new TimeSpan(longest);
    }

    /// <summary>Every partition takes records.</summary>
    public async Task ProgressAsync(string when, Func<string> logs)
    {
        int[] before = [.. _acknowledged.Select(a => a.Count)];
        await Eventually.TrueAsync(() => !_errors.IsEmpty || _acknowledged.Select((a, p) => a.Count >= before[p] + MaxInFlight * 2).All(b => b), $"every partition takes records {when}\n");
        Assert.True(_errors.IsEmpty, $"{string.Join("\n", _errors)} {when}\n{logs()}");
    }

    /// <summary>Ends it; everything acknowledged is stored once and in order, and was consumed.</summary>
    public async Task StopAsync(Func<string> logs)
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_work); 
        Assert.True(_errors.IsEmpty, $"{string.Join("\n", _errors)}\n{logs()}");
        var stored = new List<int>[_acknowledged.Length];
        StoredRecords.Read(_bootstrap, _topic, stored.Length, IsolationLevel.ReadUncommitted, result => (stored[result.Partition] ??= []).Add(NumberOf(result.Message.Value)));
        for (int p = 0; p < stored.Length; p++)
        {
            int wrong = Enumerable.Range(1, Math.Max(stored[p].Count - 1, 0)).FirstOrDefault(i => i < stored[p].Count && stored[p][i] <= stored[p][i - 1]);
            Assert.True(wrong == 0, wrong == 0 ? "" : $"partition {p}: {stored[p][wrong]} follows {stored[p][wrong - 1]}\n{logs()}");
            HashSet<int> there = [.. stored[p]];
            int[] lost = [.. _acknowledged[p].Where(n => !there.Contains(n)).Order()];
            Assert.True(lost.Length == 0, $"partition {p}: {lost.Length} acknowledged records are lost, first {lost.FirstOrDefault()}\n{logs()}");
            int[] unread = [.. _acknowledged[p].Where(n => !_consumed[p].Contains(n)).Order()];
            Assert.True(unread.Length == 0, $"partition {p}: {unread.Length} records were not consumed, first {unread.FirstOrDefault()}\n{logs()}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_work);
    }

    private async Task ProduceAsync(int partition)
    {
        var config = new ProducerConfig { BootstrapServers = _bootstrap, EnableIdempotence = true, Acks = Acks.All, LingerMs = 1, MessageTimeoutMs = 90_000, SocketTimeoutMs = 10_000 };
        using IProducer<Null, byte[]> producer = new ProducerBuilder<Null, byte[]>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, e) => OnError(e)).Build();
        var inFlight = new Queue<Task>();
        long last = Stopwatch.GetTimestamp();
        void OnReport(int number, Task<DeliveryResult<Null, byte[]>> sent)
        {
            if (sent.Exception?.InnerException is { } failure)
            {
                _errors.Enqueue($"producing {number} to partition {partition}: {failure.Message}");
                _stop.Cancel();
                return;
            }

            _acknowledged[partition].Enqueue(number);
            long now = Stopwatch.GetTimestamp();
            long pause = Stopwatch.GetElapsedTime(Interlocked.Exchange(ref last, now), now).Ticks;
            if (pause > Interlocked.Read(ref _longestPauses[partition]))
            {
                Interlocked.Exchange(ref _longestPauses[partition], pause);
            }
        }

        for (int i = 0; !_stop.IsCancellationRequested; i++)
        {
            int number = i;
            var message = new Message<Null, byte[]> { Value = Encoding.ASCII.GetBytes($"{number} {new string('x', number % 300)}") };
            inFlight.Enqueue(producer.ProduceAsync(new TopicPartition(_topic, partition), message, CancellationToken.None).ContinueWith(sent => OnReport(number, sent), TaskScheduler.Default));
            if (inFlight.Count >= MaxInFlight)
            {
                await inFlight.Dequeue();
            }
        }

        await Task.WhenAll(inFlight);
    }

    private void Consume()
    {
        var config = new ConsumerConfig { BootstrapServers = _bootstrap, GroupId = $"{_topic}-readers", AutoOffsetReset = AutoOffsetReset.Earliest, EnableAutoCommit = true, AutoCommitIntervalMs = 500 };
        using IConsumer<Ignore, byte[]> consumer = new ConsumerBuilder<Ignore, byte[]>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, e) => OnError(e)).Build();
        consumer.Subscribe(_topic);
        try
        {
            // After the last record all are read that were acknowledged; a consumer that gets nothing for long will not get them.
            for (DateTime quietSince = DateTime.UtcNow; !_stop.IsCancellationRequested || (!HasAll() && DateTime.UtcNow - quietSince < TimeSpan.FromSeconds(60));)
            {
                if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is { } result)
                {
                    quietSince = DateTime.UtcNow;
                    _consumed[result.Partition].Add(NumberOf(result.Message.Value));
                }
            }

            consumer.Close(); 
        }
        catch (KafkaException e)
        {
            _errors.Enqueue($"consuming: {e.Message}");
            _stop.Cancel();
        }
    }

    private bool HasAll() => _work.Take(_acknowledged.Length).All(w => w.IsCompleted) && _acknowledged.Select((a, p) => _consumed[p].Count >= a.Count).All(b => b);

    /// <summary>Connections that break are what clients get over; anything else is an error.</summary>
    private void OnError(Error error)
    {
        if (error.IsFatal || error.Code is not (ErrorCode.Local_Transport or ErrorCode.Local_AllBrokersDown or ErrorCode.Local_TimedOut or ErrorCode.Local_Resolve))
        {
            _errors.Enqueue($"client error {error.Code}: {error.Reason}");
        }
    }

    private static int NumberOf(byte[] value) => int.Parse(Encoding.ASCII.GetString(value).Split(' ')[0], CultureInfo.InvariantCulture);
}
