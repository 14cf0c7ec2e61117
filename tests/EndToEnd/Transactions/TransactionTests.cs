using Confluent.Kafka;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>Transactions with Confluent.Kafka: what readers see, offsets, fencing and timeout.</summary>
public sealed class TransactionTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Topic = "events";

    private IServerUnderTest _server = null!;

    public async Task InitializeAsync()
    {
        _server = await ServerUnderTest.StartAsync("transaction.abort.timed.out.transaction.cleanup.interval.ms=200");
        await new ConfluentDotnet().CreateTopicAsync(_server.Bootstrap, Topic, 2);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task Read_committed_sees_what_was_committed_and_read_uncommitted_everything()
    {
        using IProducer<string, string> producer = TransactionalClient.Start(_server.Bootstrap, "writer");
        producer.BeginTransaction();
        await producer.WriteAsync(Topic, Numbered("first", 20));
        producer.Commit();
        producer.BeginTransaction();
        await producer.WriteAsync(Topic, Numbered("aborted", 20));
        producer.Abort();
        producer.BeginTransaction();
        await producer.WriteAsync(Topic, Numbered("second", 20));

        AssertRead(IsolationLevel.ReadCommitted, Numbered("first", 20));
        AssertRead(IsolationLevel.ReadUncommitted, Numbered("first", 20), Numbered("aborted", 20), Numbered("second", 20));
        producer.Commit();
        AssertRead(IsolationLevel.ReadCommitted, Numbered("first", 20), Numbered("second", 20));
    }

    [Fact]
    public async Task An_open_transaction_holds_back_what_comes_after_it()
    {
        var partition = new TopicPartition(Topic, 0);
        using IProducer<string, string> slow = TransactionalClient.Start(_server.Bootstrap, "slow");
        using IProducer<string, string> quick = TransactionalClient.Start(_server.Bootstrap, "quick");
        slow.BeginTransaction();
        await slow.WriteAsync(partition, "slow");
        quick.BeginTransaction();
        await quick.WriteAsync(partition, "quick");
        quick.Commit();
        AssertRead(IsolationLevel.ReadCommitted);
        slow.Abort();
        await Eventually.TrueAsync(() => Read(IsolationLevel.ReadCommitted).SequenceEqual(["quick"]), "the committed record comes once the transaction before it has ended");
    }

    [Fact]
    public async Task Offsets_are_committed_with_the_transaction()
    {
        var input = new TopicPartition(Topic, 0);
        using IProducer<string, string> producer = TransactionalClient.Start(_server.Bootstrap, "mover");

        producer.BeginTransaction();
        producer.SendOffset(_server.Bootstrap, "movers", new TopicPartitionOffset(input, 5));
        producer.Abort();
        Assert.Equal(Offset.Unset.Value, TransactionalClient.Committed(_server.Bootstrap, "movers", input, IsolationLevel.ReadCommitted));

        producer.BeginTransaction();
        await producer.WriteAsync(Topic, "moved");
        producer.SendOffset(_server.Bootstrap, "movers", new TopicPartitionOffset(input, 7));
        Assert.Equal(Offset.Unset.Value, TransactionalClient.Committed(_server.Bootstrap, "movers", input, IsolationLevel.ReadUncommitted));
        Task<long> stable = Task.Run(() => TransactionalClient.Committed(_server.Bootstrap, "movers", input, IsolationLevel.ReadCommitted));
        producer.Commit();
        Assert.Equal(7, await stable);

        await _server.KillAsync();
        await _server.RestartAsync();
        Assert.Equal(7, TransactionalClient.Committed(_server.Bootstrap, "movers", input, IsolationLevel.ReadCommitted));
        AssertRead(IsolationLevel.ReadCommitted, ["moved"]);
    }

    [Fact]
    public async Task An_application_that_vanishes_again_and_again_copies_every_record_once_and_in_order()
    {
        const int Records = 300;
        int seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var input = new TopicPartition("input", 0);
        await new ConfluentDotnet().CreateTopicAsync(_server.Bootstrap, "input", 1);
        await new ConfluentDotnet().CreateTopicAsync(_server.Bootstrap, "output", 1);
        await new ConfluentDotnet().ProduceAsync(_server.Bootstrap, "input", "none", Numbered("line", Records));
        int lives = 0;
        while (TransactionalClient.Committed(_server.Bootstrap, "copiers", input, IsolationLevel.ReadUncommitted) < Records)
        {
            // Each life ends in the middle of a transaction: nobody commits, nobody aborts.
            await CopyAsync(input, Records, "output", random, transactions: random.Next(1, 8));
            lives++;
        }

        output.WriteLine($"{lives} lives");
        Assert.Equal(Numbered("line", Records), StoredRecords.Values(_server.Bootstrap, "output", 1, IsolationLevel.ReadCommitted));
    }

    [Fact]
    public async Task A_new_producer_fences_the_one_before_and_aborts_what_it_left_open()
    {
        using IProducer<string, string> zombie = TransactionalClient.Start(_server.Bootstrap, "one");
        zombie.BeginTransaction();
        await zombie.WriteAsync(Topic, "of the zombie");
        using IProducer<string, string> successor = TransactionalClient.Start(_server.Bootstrap, "one");
        successor.BeginTransaction();
        await successor.WriteAsync(Topic, "of the successor");

        KafkaException refused = Assert.ThrowsAny<KafkaException>(() => zombie.Commit());
        Assert.True(refused.Error.IsFatal, $"{refused.Error.Code} ({refused.Error.Reason}) is not fatal");
        Assert.Equal(Confluent.Kafka.ErrorCode.Local_Fenced, refused.Error.Code);
        successor.Commit();
        successor.BeginTransaction();
        await successor.WriteAsync(Topic, "more");
        successor.Commit();
        AssertRead(IsolationLevel.ReadCommitted, ["of the successor", "more"]);
    }

    [Fact]
    public async Task A_zombie_that_goes_on_writing_is_refused()
    {
        using IProducer<string, string> zombie = TransactionalClient.Start(_server.Bootstrap, "one");
        zombie.BeginTransaction();
        await zombie.WriteAsync(Topic, "of the zombie");
        using IProducer<string, string> successor = TransactionalClient.Start(_server.Bootstrap, "one");
        await Assert.ThrowsAnyAsync<KafkaException>(() => zombie.WriteAsync(Topic, "more of the zombie"));
        Assert.ThrowsAny<KafkaException>(() => zombie.Commit());
        AssertRead(IsolationLevel.ReadCommitted);
        AssertRead(IsolationLevel.ReadUncommitted, ["of the zombie"]);
    }

    [Fact]
    public async Task A_transaction_that_outlives_its_timeout_is_aborted()
    {
        using IProducer<string, string> producer = TransactionalClient.Start(_server.Bootstrap, "sleepy", timeoutMs: 1000);
        producer.BeginTransaction();
        await producer.WriteAsync(Topic, "too late");
        await new ConfluentDotnet().ProduceAsync(_server.Bootstrap, Topic, "none", ["without transaction"]);
        // Only the abort lets a reader reach the end of both partitions, with the record behind the open transaction.
        await Eventually.TrueAsync(() => Read(IsolationLevel.ReadCommitted).SequenceEqual(["without transaction"]) && LastStableIsEnd(0) && LastStableIsEnd(1), "the timeout ends the transaction");

        Assert.ThrowsAny<KafkaException>(() => producer.Commit());
        using IProducer<string, string> successor = TransactionalClient.Start(_server.Bootstrap, "sleepy");
        successor.BeginTransaction();
        await successor.WriteAsync(Topic, "in time");
        successor.Commit();
        AssertRead(IsolationLevel.ReadCommitted, ["without transaction"], ["in time"]);
    }

    private static string[] Numbered(string name, int count) => [.. Enumerable.Range(0, count).Select(i => $"{name} {i:D4}")];

    /// <summary>Copies from where the group stands, aborting now and then, and vanishes with an open transaction.</summary>
    private async Task CopyAsync(TopicPartition input, int records, string outputTopic, Random random, int transactions)
    {
        using IConsumer<string, string> consumer = TransactionalClient.Consumer(_server.Bootstrap, "copiers");
        using IProducer<string, string> producer = TransactionalClient.Start(_server.Bootstrap, "copier");
        // After InitTransactions, which ends what the life before left open: only then does the committed offset stand.
        long next = Rewind();
        for (int t = 0; t <= transactions; t++)
        {
            producer.BeginTransaction();
            var lines = new List<string>();
            using var patience = new CancellationTokenSource(TransactionalClient.Patience);
            for (int size = random.Next(1, 20); lines.Count < size && next < records;)
            {
                if (consumer.Consume(patience.Token) is { IsPartitionEOF: false } result)
                {
                    lines.Add(result.Message.Value);
                    next = result.Offset + 1;
                }
            }

            await producer.WriteAsync(outputTopic, lines);
            producer.SendOffsetsToTransaction([new TopicPartitionOffset(input, next)], consumer.ConsumerGroupMetadata, TransactionalClient.Patience);

            if (t == transactions)
            {
                return;
            }

            if (random.Next(4) == 0)
            {
                producer.Abort();
                next = Rewind();
            }
            else
            {
                producer.Commit();
            }
        }

        long Rewind()
        {
            Offset committed = consumer.Committed([input], TransactionalClient.Patience)[0].Offset;
            consumer.Assign(new TopicPartitionOffset(input, committed == Offset.Unset ? 0 : committed));
            return Math.Max(committed, 0);
        }
    }

    private bool LastStableIsEnd(int partition)
    {
        var at = new TopicPartition(Topic, partition);
        return TransactionalClient.EndOffset(_server.Bootstrap, at, IsolationLevel.ReadCommitted) == TransactionalClient.EndOffset(_server.Bootstrap, at, IsolationLevel.ReadUncommitted);
    }

    private IReadOnlyList<string> Read(IsolationLevel isolation) => StoredRecords.Values(_server.Bootstrap, Topic, 2, isolation);

    /// <summary>Both partitions hold exactly these values, in whatever order partitions mix them.</summary>
    private void AssertRead(IsolationLevel isolation, params string[][] expected) =>
        Assert.Equal(expected.SelectMany(e => e).Order(StringComparer.Ordinal), Read(isolation).Order(StringComparer.Ordinal));
}
