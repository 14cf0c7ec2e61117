using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>
/// One idempotent producer (librdkafka, acks=all) for each partition of a topic, that writes numbers without a stop, and a group of one consumer that reads them. An error
/// that a client does not get over by itself ends the load and is reported by <see cref="ProgressAsync"/> and <see cref="StopAsync"/>.
/// </summary>
internal sealed class VerifiedLoad : IAsyncDisposable
{
    private const int MaxInFlight = 20;

    private static readonly TimeSpan QuietPatience = TimeSpan.FromSeconds(60);

    private readonly string _bootstrap;
    private readonly string _topic;
    private readonly int _pauseMs;
    private readonly int _maxPadding;
    private readonly Workers _workers = new();
    private readonly ConcurrentQueue<int>[] _acknowledged;
    private readonly HashSet<int>[] _consumed;
    private readonly long[] _longestPauses;
    private int _producing;

    /// <param name="bootstrap">Brokers that are there at the beginning.</param>
    /// <param name="topic">Has these partitions, and nothing in them.</param>
    /// <param name="partitions">How many.</param>
    /// <param name="pauseMs">After each record of a partition, where less is to be moved about than the machine can write.</param>
    /// <param name="maxPadding">Bytes beside its number in a record: from none to one fewer than these.</param>
    public VerifiedLoad(string bootstrap, string topic, int partitions, int pauseMs = 0, int maxPadding = 300)
    {
        (_bootstrap, _topic, _pauseMs, _maxPadding, _producing) = (bootstrap, topic, pauseMs, maxPadding, partitions);
        _acknowledged = [.. Enumerable.Range(0, partitions).Select(_ => new ConcurrentQueue<int>())];
        _consumed = [.. Enumerable.Range(0, partitions).Select(_ => new HashSet<int>())];
        _longestPauses = new long[partitions];
        for (int p = 0; p < partitions; p++)
        {
            int partition = p;
            _workers.Start($"the producer to {topic}-{partition}", () => ProduceAsync(partition));
        }

        _workers.Start($"the consumer of {topic}", Consume);
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
    public Task ProgressAsync(string when, Func<string> logs)
    {
        int[] before = [.. _acknowledged.Select(a => a.Count)];
        int[] Taken() => [.. _acknowledged.Select((a, p) => a.Count - before[p])];
        return _workers.ProgressAsync(() => Taken().All(taken => taken >= MaxInFlight * 2), () => $"every partition of {_topic} takes records {when}; taken: {string.Join(", ", Taken())}", logs);
    }

    /// <summary>Ends it; everything acknowledged is stored once and in order, and was consumed.</summary>
    public async Task StopAsync(Func<string> logs)
    {
        await _workers.EndAsync(logs);
        var stored = new List<int>[_acknowledged.Length];
        StoredRecords.Read(_bootstrap, _topic, stored.Length, IsolationLevel.ReadUncommitted, result => (stored[result.Partition] ??= []).Add(NumberOf(result.Message.Value)));
        for (int p = 0; p < stored.Length; p++)
        {
            for (int i = 1; i < stored[p].Count; i++)
            {
                // Not Assert.True: all logs would be put together for each of a million records.
                if (stored[p][i] <= stored[p][i - 1])
                {
                    Assert.Fail($"partition {p}: {stored[p][i]} follows {stored[p][i - 1]}\n{logs()}");
                }
            }

            HashSet<int> there = [.. stored[p]];
            int[] lost = [.. _acknowledged[p].Where(n => !there.Contains(n)).Order()];
            Assert.True(lost.Length == 0, $"partition {p}: {lost.Length} acknowledged records are lost, first {lost.FirstOrDefault()}\n{logs()}");
            int[] unread = [.. _acknowledged[p].Where(n => !_consumed[p].Contains(n)).Order()];
            Assert.True(unread.Length == 0, $"partition {p}: {unread.Length} records were not consumed, first {unread.FirstOrDefault()}\n{logs()}");
        }
    }

    public ValueTask DisposeAsync() => _workers.DisposeAsync();

    private async Task ProduceAsync(int partition)
    {
        var config = new ProducerConfig
        {
            BootstrapServers = _bootstrap, EnableIdempotence = true, Acks = Acks.All, LingerMs = 1, MessageTimeoutMs = 90_000, SocketTimeoutMs = 10_000,
            // So that it knows of brokers that join before those that it knew are gone.
            TopicMetadataRefreshIntervalMs = 2000,
        };
        using IProducer<Null, byte[]> producer = new ProducerBuilder<Null, byte[]>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, e) => OnError(e)).Build();
        var inFlight = new Queue<Task>();
        long last = Stopwatch.GetTimestamp();
        void OnReport(int number, Task<DeliveryResult<Null, byte[]>> sent)
        {
            if (sent.Exception?.InnerException is { } failure)
            {
                _workers.Fail($"producing {number} to partition {partition}: {failure.Message}");
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

        for (int i = 0; !_workers.IsStopping; i++)
        {
            int number = i;
            var message = new Message<Null, byte[]> { Value = Encoding.ASCII.GetBytes($"{number} {new string('x', (int)(number * 7919L % _maxPadding))}") };
            inFlight.Enqueue(producer.ProduceAsync(new TopicPartition(_topic, partition), message, CancellationToken.None).ContinueWith(sent => OnReport(number, sent), TaskScheduler.Default));
            if (inFlight.Count >= MaxInFlight)
            {
                await inFlight.Dequeue();
            }

            if (_pauseMs > 0)
            {
                await Task.Delay(_pauseMs);
            }
        }

        await Task.WhenAll(inFlight);
        Interlocked.Decrement(ref _producing);
    }

    private void Consume()
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = _bootstrap, GroupId = $"{_topic}-readers", AutoOffsetReset = AutoOffsetReset.Earliest, EnableAutoCommit = true, AutoCommitIntervalMs = 500, SocketTimeoutMs = 10_000,
            TopicMetadataRefreshIntervalMs = 2000,
        };
        using IConsumer<Ignore, byte[]> consumer = new ConsumerBuilder<Ignore, byte[]>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, e) => OnError(e)).Build();
        consumer.Subscribe(_topic);
        try
        {
            // After the last record all are read that were acknowledged; a consumer that gets nothing for long will not get them.
            for (DateTime quietSince = DateTime.UtcNow; !_workers.IsStopping || (!_workers.IsAbandoned && !HasAll() && DateTime.UtcNow - quietSince < QuietPatience);)
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
            _workers.Fail($"consuming: {e.Message}");
        }
    }

    private bool HasAll() => Volatile.Read(ref _producing) == 0 && _acknowledged.Select((a, p) => _consumed[p].Count >= a.Count).All(b => b);

    /// <summary>Connections that break are what clients get over; anything else is an error.</summary>
    private void OnError(Error error)
    {
        if (error.IsFatal || error.Code is not (ErrorCode.Local_Transport or ErrorCode.Local_AllBrokersDown or ErrorCode.Local_TimedOut or ErrorCode.Local_Resolve))
        {
            _workers.Fail($"client error {error.Code}: {error.Reason}");
        }
    }

    private static int NumberOf(byte[] value) => int.Parse(Encoding.ASCII.GetString(value).Split(' ')[0], CultureInfo.InvariantCulture);
}
