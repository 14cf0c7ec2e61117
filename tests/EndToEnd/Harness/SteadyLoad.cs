using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>
/// Idempotent producers with acks=all, one for each partition of a topic, that write numbers and remember which were acknowledged. A send that fails for good fails the test: whatever is done to
/// the brokers, clients have to get by with retries.
/// </summary>
internal sealed class SteadyLoad : IAsyncDisposable
{
    private const int InFlight = 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly CancellationTokenSource _stop = new();
    private readonly string _topic;
    private readonly ConcurrentQueue<int>[] _acknowledged;
    private readonly Task[] _producing;
    private readonly int _pauseMs;

    public SteadyLoad(string bootstrap, string topic, int partitions, int pauseMs = 2)
    {
        _topic = topic;
        _pauseMs = pauseMs;
        _acknowledged = [.. Enumerable.Range(0, partitions).Select(_ => new ConcurrentQueue<int>())];
        _producing = [.. Enumerable.Range(0, partitions).Select(p => Task.Run(() => ProduceAsync(bootstrap, p)))];
    }

    public int Acknowledged => _acknowledged.Sum(a => a.Count);

    /// <summary>Every partition takes records.</summary>
    public async Task ProgressAsync(string when, Func<string> details)
    {
        int[] before = [.. _acknowledged.Select(a => a.Count)];
        for (DateTime end = DateTime.UtcNow + Patience; !_acknowledged.Select((a, p) => a.Count >= before[p] + 20).All(b => b); await Task.Delay(20))
        {
            if (DateTime.UtcNow > end || Array.Exists(_producing, p => p.IsFaulted))
            {
                Assert.Fail($"not every partition of {_topic} takes records {when}: {string.Join(", ", _producing.Select(p => p.Exception?.InnerException?.Message ?? "waits"))}\n{details()}");
            }
        }
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_producing);
    }

    /// <summary>After <see cref="StopAsync"/>: every acknowledged number is there, once and in order.</summary>
    public void Check(string bootstrap)
    {
        var stored = new List<int>[_acknowledged.Length];
        StoredRecords.Read(bootstrap, _topic, stored.Length, IsolationLevel.ReadUncommitted, result =>
            (stored[result.Partition] ??= []).Add(int.Parse(Encoding.UTF8.GetString(result.Message.Value).Split(' ')[0], CultureInfo.InvariantCulture)));
        for (int p = 0; p < stored.Length; p++)
        {
            for (int i = 1; i < stored[p].Count; i++)
            {
                Assert.True(stored[p][i] > stored[p][i - 1], $"partition {p}: {stored[p][i]} follows {stored[p][i - 1]}");
            }

            HashSet<int> there = [.. stored[p]];
            int[] lost = [.. _acknowledged[p].Where(n => !there.Contains(n)).Order()];
            Assert.True(lost.Length == 0, $"partition {p}: {lost.Length} acknowledged records are lost, first {lost.FirstOrDefault()}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAny(Task.WhenAll(_producing), Task.Delay(TimeSpan.FromSeconds(30)));
        _stop.Dispose();
    }

    private async Task ProduceAsync(string bootstrap, int partition)
    {
        var config = new ProducerConfig
        {
            BootstrapServers = bootstrap, EnableIdempotence = true, Acks = Acks.All, LingerMs = 1, MessageTimeoutMs = 180_000, SocketTimeoutMs = 10_000,
            // So that it knows of brokers that join before those it knew are gone.
            TopicMetadataRefreshIntervalMs = 2000,
        };
        using IProducer<Null, byte[]> producer = new ProducerBuilder<Null, byte[]>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        var inFlight = new Queue<Task>();
        for (int i = 0; !_stop.IsCancellationRequested; i++)
        {
            int number = i;
            var message = new Message<Null, byte[]> { Value = Encoding.ASCII.GetBytes($"{number} {new string('x', number % 300)}") };
            inFlight.Enqueue(SendAsync(producer, new TopicPartition(_topic, partition), message, number));
            if (inFlight.Count >= InFlight)
            {
                await inFlight.Dequeue();
            }

            await Task.Delay(_pauseMs);
        }

        await Task.WhenAll(inFlight);
    }

    private async Task SendAsync(IProducer<Null, byte[]> producer, TopicPartition partition, Message<Null, byte[]> message, int number)
    {
        await producer.ProduceAsync(partition, message, CancellationToken.None);
        _acknowledged[partition.Partition].Enqueue(number);
    }
}
