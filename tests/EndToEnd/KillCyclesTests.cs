using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>Kills the broker again and again under several idempotent producers that never stop.</summary>
public sealed class KillCyclesTests(ITestOutputHelper output)
{
    private const string Topic = "cycles";
    private const int Producers = 4;

    private static int Cycles => int.Parse(Environment.GetEnvironmentVariable("BROKER_KILL_CYCLES") ?? "100", CultureInfo.InvariantCulture);

    [Fact]
    public async Task No_acknowledged_record_is_lost_doubled_or_reordered()
    {
        int seed = int.Parse(Environment.GetEnvironmentVariable("BROKER_KILL_SEED") ?? $"{Environment.TickCount & 0xffff}", CultureInfo.InvariantCulture);
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        // Small segments, so that kills meet rolls and their snapshots as well.
        await using BrokerProcess broker = await BrokerProcess.StartAsync("log.segment.bytes=1048576");
        await new ConfluentDotnet().CreateTopicAsync(broker.Bootstrap, Topic, Producers);
        using var stop = new CancellationTokenSource();
        var acknowledged = new ConcurrentDictionary<int, ConcurrentBag<long>>();
        Task[] producing = [.. Enumerable.Range(0, Producers).Select(p => Task.Factory.StartNew(() => Produce(broker.Bootstrap, p, acknowledged.GetOrAdd(p, _ => []), stop.Token), TaskCreationOptions.LongRunning))];
        for (int cycle = 0; cycle < Cycles; cycle++)
        {
            long before = acknowledged.Values.Sum(a => (long)a.Count);
            // Under load means that something was acknowledged since the last kill.
            await Eventually.TrueAsync(() => acknowledged.Values.Sum(a => (long)a.Count) > before + 100, $"producers go on after kill {cycle}, seed {seed}\n{broker.Log}");
            await Task.Delay(random.Next(0, 60));
            await broker.KillAsync();
            await broker.RestartAsync();
        }

        await stop.CancelAsync();
        await Task.WhenAll(producing);
        var stored = new Dictionary<int, List<long>>();
        StoredRecords.Read(broker.Bootstrap, Topic, Producers, IsolationLevel.ReadUncommitted, result =>
        {
            if (!stored.TryGetValue(result.Partition, out List<long>? list))
            {
                stored[result.Partition] = list = [];
            }

            list.Add(long.Parse(Encoding.UTF8.GetString(result.Message.Value).Split(' ')[0], CultureInfo.InvariantCulture));
        });
        for (int p = 0; p < Producers; p++)
        {
            List<long> list = stored[p];
            for (int i = 1; i < list.Count; i++)
            {
                Assert.True(list[i] > list[i - 1], $"seed {seed}, producer {p}: {list[i]} follows {list[i - 1]}");
            }

            HashSet<long> there = [.. list];
            long[] lost = [.. acknowledged[p].Where(n => !there.Contains(n)).Order()];
            Assert.True(lost.Length == 0, $"seed {seed}, producer {p}: {lost.Length} of {acknowledged[p].Count} acknowledged records are gone, the first is {lost.FirstOrDefault()}");
        }

        output.WriteLine($"{Cycles} kills, {acknowledged.Values.Sum(a => a.Count)} records acknowledged, {stored.Values.Sum(s => s.Count)} stored");
    }

    private static void Produce(string bootstrap, int partition, ConcurrentBag<long> acknowledged, CancellationToken stop)
    {
        var config = new ProducerConfig
        {
            BootstrapServers = bootstrap, EnableIdempotence = true, LingerMs = 1, MessageTimeoutMs = 0, RetryBackoffMs = 20, ReconnectBackoffMs = 10, ReconnectBackoffMaxMs = 50,
            QueueBufferingMaxMessages = 2000,
        };
        using IProducer<Null, string> producer = new ProducerBuilder<Null, string>(config).SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        string filling = new('x', 300);
        for (long n = 0; !stop.IsCancellationRequested;)
        {
            try
            {
                long number = n;
                producer.Produce(new Confluent.Kafka.TopicPartition(Topic, partition), new Message<Null, string> { Value = $"{number} {filling}" }, report =>
                {
                    if (report.Error.Code == Confluent.Kafka.ErrorCode.NoError)
                    {
                        acknowledged.Add(number);
                    }
                });
                n++;
            }
            catch (ProduceException<Null, string> e) when (e.Error.Code == Confluent.Kafka.ErrorCode.Local_QueueFull)
            {
                // The broker is away: wait for room, as an application does.
                producer.Poll(TimeSpan.FromMilliseconds(5));
            }
        }

        producer.Flush(TimeSpan.FromSeconds(30));
    }
}
