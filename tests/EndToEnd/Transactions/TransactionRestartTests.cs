using Confluent.Kafka;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>The broker is killed in each state of a transaction, and the producer goes on as if nothing had been.</summary>
public sealed class TransactionRestartTests(ITestOutputHelper output) : IAsyncLifetime
{
    /// <summary>Enough for a kill to come while their markers are being written.</summary>
    private const int Partitions = 200;

    private const int MostRounds = 25;

    private const string Topic = "events";

    private IServerUnderTest _server = null!;

    public async Task InitializeAsync()
    {
        _server = await ServerUnderTest.StartAsync();
        await new ConfluentDotnet().CreateTopicAsync(_server.Bootstrap, Topic, Partitions);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Ongoing(bool commit)
    {
        using IProducer<string, string> producer = TransactionalClient.Start(_server.Bootstrap, "restarted");
        producer.BeginTransaction();
        await WriteAsync(producer, "before");
        producer.SendOffset(_server.Bootstrap, "group", new TopicPartitionOffset(Topic, 0, 5));
        await _server.KillAsync();
        Assert.Equal("Ongoing", StoredTransactions.StateOf(_server.DataDirectory, "restarted"));
        await _server.RestartAsync();
        Assert.Empty(Read(IsolationLevel.ReadCommitted));
        Assert.Equal(Partitions, Read(IsolationLevel.ReadUncommitted).Count);
        Assert.Equal(Offset.Unset.Value, TransactionalClient.Committed(_server.Bootstrap, "group", new TopicPartition(Topic, 0), IsolationLevel.ReadUncommitted));

        await WriteAsync(producer, "after");
        producer.End(commit);
        await AssertVisibleAsync(commit ? ["before", "after"] : []);
        Assert.Equal(commit ? 5 : Offset.Unset.Value, TransactionalClient.Committed(_server.Bootstrap, "group", new TopicPartition(Topic, 0), IsolationLevel.ReadCommitted));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Prepared(bool commit)
    {
        using IProducer<string, string> producer = TransactionalClient.Start(_server.Bootstrap, "restarted");
        var visible = new List<string>();
        var met = new List<string>();
        string wanted = commit ? "PrepareCommit" : "PrepareAbort";
        while (!met.Contains(wanted) && met.Count < MostRounds)
        {
            string name = $"round {met.Count}";
            producer.BeginTransaction();
            await WriteAsync(producer, name);
            Task ended = Task.Run(() => producer.End(commit));
            await Task.WhenAny(ended, Task.Delay(met.Count));
            await _server.KillAsync();
            met.Add(StoredTransactions.StateOf(_server.DataDirectory, "restarted"));
            await _server.RestartAsync();
            await ended.WaitAsync(TransactionalClient.Patience);
            if (commit)
            {
                visible.Add(name);
            }

            await AssertVisibleAsync(visible);
        }

        output.WriteLine(string.Join(", ", met));
        Assert.Contains(wanted, met);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Complete(bool commit)
    {
        using IProducer<string, string> producer = TransactionalClient.Start(_server.Bootstrap, "restarted");
        producer.BeginTransaction();
        await WriteAsync(producer, "before");
        producer.End(commit);
        await Eventually.TrueAsync(() => StoredTransactions.StateOf(_server.DataDirectory, "restarted").StartsWith("Complete", StringComparison.Ordinal), "the transaction is complete");
        await _server.KillAsync();
        await _server.RestartAsync();
        producer.BeginTransaction();
        await WriteAsync(producer, "after");
        producer.Commit();
        await AssertVisibleAsync(commit ? ["before", "after"] : ["after"]);

        using IProducer<string, string> successor = TransactionalClient.Start(_server.Bootstrap, "restarted");
        successor.BeginTransaction();
        await WriteAsync(successor, "successor");
        successor.Commit();
        await AssertVisibleAsync(commit ? ["before", "after", "successor"] : ["after", "successor"]);
    }

    private static Task WriteAsync(IProducer<string, string> producer, string name) =>
        Task.WhenAll(Enumerable.Range(0, Partitions).Select(p => producer.WriteAsync(new TopicPartition(Topic, p), name)));

    private IReadOnlyList<string> Read(IsolationLevel isolation) => StoredRecords.Values(_server.Bootstrap, Topic, Partitions, isolation);

    /// <summary>Every partition has one record of each of these transactions, in this order, and nothing is left that could still come.</summary>
    private async Task AssertVisibleAsync(IReadOnlyList<string> names)
    {
        string[] expected = [.. Enumerable.Repeat(names, Partitions).SelectMany(n => n)];
        // The answer to EndTxn comes before the markers.
        await Eventually.TrueAsync(() => Read(IsolationLevel.ReadCommitted).SequenceEqual(expected), $"every partition has {string.Join(", ", names)}");
    }
}
