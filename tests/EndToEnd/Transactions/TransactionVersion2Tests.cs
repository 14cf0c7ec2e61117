using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>
/// Requests of an earlier transaction arrive late or again on another connection: they get the right error and never touch a later transaction.
/// What TCP does not order between connections, the epoch orders, which <c>transaction.version</c> 2 raises at every end.
/// </summary>
public sealed class TransactionVersion2Tests : RawTransactionTests
{
    private const short OutOfOrderSequence = 45;

    /// <summary>
    /// An EndTxn hangs in the first connection. The client gives it up, sends it again on the second, has success and begins its next transaction.
    /// Then the first one arrives.
    /// </summary>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_delayed_end_does_not_end_a_later_transaction(bool delayedCommits, bool nextCommits)
    {
        await StartWithVersion2Async();
        Assert.Equal(0, await Producer.ProduceAsync(First, "one", Producer.Epoch, 0));
        byte[] delayed = Producer.End(delayedCommits, Producer.Epoch);
        Assert.Equal(0, await Producer.EndAsync(Second, delayed));
        await CompleteAsync();

        short epoch = Producer.Epoch;
        Assert.Equal(0, await Producer.ProduceAsync(Second, "two", epoch, 0));
        long stable = await Producer.EndOffsetAsync(Second, stable: true);
        Assert.Equal(ProducerFenced, await Producer.EndAsync(First, delayed));
        Assert.Equal(stable, await Producer.EndOffsetAsync(Second, stable: true));
        Assert.Equal(0, await Producer.ProduceAsync(Second, "three", epoch, 1));

        Assert.Equal(0, await Producer.EndAsync(Second, Producer.End(nextCommits, epoch)));
        await CompleteAsync();
        Assert.Equal(ProducerFenced, await Producer.EndAsync(First, delayed));
        AssertCommitted([.. delayedCommits ? ["one"] : (string[])[], .. nextCommits ? ["two", "three"] : (string[])[]]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_repeated_end_is_answered_as_before_and_a_contrary_one_refused(bool commit)
    {
        await StartWithVersion2Async();
        Assert.Equal(0, await Producer.ProduceAsync(First, "one", Producer.Epoch, 0));
        short before = Producer.Epoch;
        byte[] end = Producer.End(commit, before);
        byte[] contrary = Producer.End(!commit, before);
        Assert.Equal(0, await Producer.EndAsync(First, end));
        (long id, short epoch) = (Producer.ProducerId, Producer.Epoch);
        Assert.Equal(before + 1, epoch);
        Assert.Equal(0, await Producer.EndAsync(Second, end));
        Assert.Equal((id, epoch), (Producer.ProducerId, Producer.Epoch));
        Assert.Equal(InvalidTxnState, await Producer.EndAsync(Second, contrary));
        await CompleteAsync();
        AssertCommitted(commit ? ["one"] : []);
    }

    [Fact]
    public async Task Requests_of_an_earlier_transaction_add_nothing_to_the_next()
    {
        await StartWithVersion2Async();
        // The topic of the groups is there, as it is wherever a group was ever asked for.
        TransactionalClient.Committed(Server.Bootstrap, "group", new TopicPartition(Topic, 0), IsolationLevel.ReadCommitted);
        short old = Producer.Epoch;
        Assert.Equal(0, await Producer.ProduceAsync(First, "one", old, 0));
        Assert.Equal(0, await Producer.EndAsync(First, Producer.End(true, old)));
        await CompleteAsync();

        await AssertRefusedAsync();
        Assert.Equal(0, await Producer.ProduceAsync(First, "two", Producer.Epoch, 0));
        await AssertRefusedAsync();
        Assert.Equal(0, await Producer.EndAsync(First, Producer.End(true, Producer.Epoch)));
        await CompleteAsync();
        AssertCommitted("one", "two");
        Assert.Equal(0, await Producer.EndOffsetAsync(First, stable: false, partition: 1));
        Assert.Equal(Offset.Unset.Value, TransactionalClient.Committed(Server.Bootstrap, "group", new TopicPartition(Topic, 0), IsolationLevel.ReadCommitted));

        async Task AssertRefusedAsync()
        {
            Assert.Equal(ProducerFenced, await Producer.AddPartitionAsync(Second, old, partition: 1));
            Assert.Equal(InvalidProducerEpoch, await Producer.AddPartitionAsync(Second, old, partition: 1, version: 1));
            Assert.Equal(ProducerFenced, await Producer.AddOffsetsAsync(Second, "group", old));
            Assert.Equal(InvalidProducerEpoch, await Producer.ProduceAsync(Second, "late", old, 1));
            Assert.Equal(InvalidProducerEpoch, await Producer.ProduceAsync(Second, "late", old, 1, partition: 1));
            Assert.Equal(InvalidProducerEpoch, await Producer.CommitOffsetAsync(Second, "group", 7, old));
        }
    }

    [Fact]
    public async Task A_skipped_sequence_is_refused_and_the_transaction_can_still_be_aborted()
    {
        await StartWithVersion2Async();
        Assert.Equal(0, await Producer.ProduceAsync(First, "one", Producer.Epoch, 0));
        Assert.Equal(OutOfOrderSequence, await Producer.ProduceAsync(First, "three", Producer.Epoch, 2));
        Assert.Equal(0, await Producer.EndAsync(First, Producer.End(false, Producer.Epoch)));
        await CompleteAsync();
        Assert.Equal(0, await Producer.ProduceAsync(First, "again", Producer.Epoch, 0));
        Assert.Equal(0, await Producer.EndAsync(First, Producer.End(true, Producer.Epoch)));
        await CompleteAsync();
        AssertCommitted("again");
    }

    private async Task StartWithVersion2Async()
    {
        Assert.Equal(0, await RawFeatures.SetAsync(First, 2));
        await Producer.InitAsync(First);
    }
}
