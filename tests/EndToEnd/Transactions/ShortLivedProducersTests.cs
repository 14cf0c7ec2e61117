using System.Collections.Concurrent;
using System.Globalization;
using Confluent.Kafka;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>
/// What Apache NiFi's PublishKafka does: each batch has a producer of its own with a random transactional id that lives for one transaction, many at once.
/// </summary>
public sealed class ShortLivedProducersTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Topic = "batches";
    private const int Partitions = 3;
    private const int Tasks = 8;
    private const int RecordsInBatch = 30;

    private IServerUnderTest _server = null!;

    private static int Batches => int.Parse(Environment.GetEnvironmentVariable("BROKER_SHORT_LIVED_PRODUCERS") ?? "80", CultureInfo.InvariantCulture);

    public async Task InitializeAsync()
    {
        _server = await ServerUnderTest.StartAsync();
        await new ConfluentDotnet().CreateTopicAsync(_server.Bootstrap, Topic, Partitions);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_reader_sees_exactly_the_committed_batches_in_order()
    {
        int seed = int.Parse(Environment.GetEnvironmentVariable("BROKER_TEST_SEED") ?? $"{Random.Shared.Next()}", CultureInfo.InvariantCulture);
        output.WriteLine($"BROKER_TEST_SEED={seed}");
        // Drawn before anything runs at once, so that the seed says it all.
        var random = new Random(seed);
        bool[] commits = [.. Enumerable.Range(0, Batches).Select(_ => random.Next(3) > 0)];
        string[] expected = [.. Enumerable.Range(0, Batches).Where(b => commits[b]).SelectMany(Records)];

        using var stop = new CancellationTokenSource();
        Task<List<string>> live = Task.Factory.StartNew(() => ReadLive(expected.Length, stop.Token), TaskCreationOptions.LongRunning);
        var batches = new ConcurrentQueue<int>(Enumerable.Range(0, Batches));
        await Task.WhenAll(Enumerable.Range(0, Tasks).Select(_ => Task.Run(async () =>
        {
            while (batches.TryDequeue(out int batch))
            {
                await PublishAsync(batch, commits[batch]);
            }
        })));

        stop.CancelAfter(TransactionalClient.Patience);
        List<string> seen = await live;
        AssertBatches(expected, seen, seed);
        AssertBatches(expected, StoredRecords.Values(_server.Bootstrap, Topic, Partitions, IsolationLevel.ReadCommitted), seed);
        Assert.Equal(Batches * RecordsInBatch, StoredRecords.Values(_server.Bootstrap, Topic, Partitions, IsolationLevel.ReadUncommitted).Count);
        output.WriteLine($"{commits.Count(c => c)} of {Batches} batches committed");
    }

    private async Task PublishAsync(int batch, bool commit)
    {
        using IProducer<string, string> producer = TransactionalClient.Start(_server.Bootstrap, Guid.NewGuid().ToString());
        producer.BeginTransaction();
        await Task.WhenAll(Records(batch).Select((record, i) => producer.WriteAsync(new TopicPartition(Topic, i % Partitions), record)));
        producer.End(commit);
    }

    private static IEnumerable<string> Records(int batch) => Enumerable.Range(0, RecordsInBatch).Select(i => $"{batch} {i}");

    /// <summary>Reads while the producers write, until it has as many as were committed or <paramref name="stop"/> ends the waiting.</summary>
    private List<string> ReadLive(int count, CancellationToken stop)
    {
        using IConsumer<string, string> consumer = TransactionalClient.Consumer(_server.Bootstrap, "live");
        consumer.Assign(Enumerable.Range(0, Partitions).Select(p => new TopicPartitionOffset(Topic, p, Offset.Beginning)));
        var seen = new List<string>();
        while (seen.Count < count && !stop.IsCancellationRequested)
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is { IsPartitionEOF: false } result)
            {
                seen.Add(result.Message.Value);
            }
        }

        return seen;
    }

    /// <summary>Each record once, none of an aborted batch, and those of a batch in the order of its partition.</summary>
    private static void AssertBatches(IReadOnlyList<string> expected, IReadOnlyList<string> seen, int seed)
    {
        AssertNone("came twice", seen.GroupBy(r => r).Where(g => g.Count() > 1).Select(g => g.Key));
        AssertNone("are missing", expected.Except(seen));
        AssertNone("were never committed", seen.Except(expected));
        var last = new Dictionary<(string, int), int>();
        var disordered = new List<string>();
        foreach (string record in seen)
        {
            string[] words = record.Split(' ');
            int number = int.Parse(words[1], CultureInfo.InvariantCulture);
            (string, int) key = (words[0], number % Partitions);
            if (last.TryGetValue(key, out int before) && before > number)
            {
                disordered.Add(record);
            }

            last[key] = number;
        }

        AssertNone("are out of order", disordered);

        void AssertNone(string what, IEnumerable<string> records) =>
            Assert.True(!records.Any(), $"seed {seed}: {records.Count()} records {what}, such as '{records.FirstOrDefault()}'");
    }
}
