using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>
/// Requests of an earlier transaction arrive late or again on another connection: they get the right error and never touch a later transaction.
/// What TCP does not order between connections, the epoch orders, which <c>transaction.version</c> 2 raises at every end.
/// </summary>
public sealed class TransactionVersion2Tests : IAsyncLifetime
{
    private const string Topic = "events";
    private const short OutOfOrderSequence = 45;
    private const short InvalidProducerEpoch = 47;
    private const short InvalidTxnState = 48;
    private const short ProducerFenced = 90;

    private readonly RawProducer _producer = new("raw", Topic);
    private IServerUnderTest _server = null!;
    private RawConnection _first = null!;
    private RawConnection _second = null!;

    public async Task InitializeAsync()
    {
        _server = await ServerUnderTest.StartAsync();
        await new ConfluentDotnet().CreateTopicAsync(_server.Bootstrap, Topic, 2);
        _first = await RawConnection.OpenAsync(_server.Port);
        _second = await RawConnection.OpenAsync(_server.Port);
    }

    public async Task DisposeAsync()
    {
        _first.Dispose();
        _second.Dispose();
        await _server.DisposeAsync();
    }

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
        Assert.Equal(0, await _producer.ProduceAsync(_first, "one", _producer.Epoch, 0));
        byte[] delayed = _producer.End(delayedCommits, _producer.Epoch);
        Assert.Equal(0, await _producer.EndAsync(_second, delayed));
        await CompleteAsync();

        short epoch = _producer.Epoch;
        Assert.Equal(0, await _producer.ProduceAsync(_second, "two", epoch, 0));
        long stable = await _producer.EndOffsetAsync(_second, stable: true);
        Assert.Equal(ProducerFenced, await _producer.EndAsync(_first, delayed));
        Assert.Equal(stable, await _producer.EndOffsetAsync(_second, stable: true));
        Assert.Equal(0, await _producer.ProduceAsync(_second, "three", epoch, 1));

        Assert.Equal(0, await _producer.EndAsync(_second, _producer.End(nextCommits, epoch)));
        await CompleteAsync();
        Assert.Equal(ProducerFenced, await _producer.EndAsync(_first, delayed));
        AssertCommitted([.. delayedCommits ? ["one"] : (string[])[], .. nextCommits ? ["two", "three"] : (string[])[]]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_repeated_end_is_answered_as_before_and_a_contrary_one_refused(bool commit)
    {
        await StartWithVersion2Async();
        Assert.Equal(0, await _producer.ProduceAsync(_first, "one", _producer.Epoch, 0));
        short before = _producer.Epoch;
        byte[] end = _producer.End(commit, before);
        byte[] contrary = _producer.End(!commit, before);
        Assert.Equal(0, await _producer.EndAsync(_first, end));
        (long id, short epoch) = (_producer.ProducerId, _producer.Epoch);
        Assert.Equal(before + 1, epoch);
        Assert.Equal(0, await _producer.EndAsync(_second, end));
        Assert.Equal((id, epoch), (_producer.ProducerId, _producer.Epoch));
        Assert.Equal(InvalidTxnState, await _producer.EndAsync(_second, contrary));
        await CompleteAsync();
        AssertCommitted(commit ? ["one"] : []);
    }

    [Fact]
    public async Task Requests_of_an_earlier_transaction_add_nothing_to_the_next()
    {
        await StartWithVersion2Async();
        // The topic of the groups is there, as it is wherever a group was ever asked for.
        TransactionalClient.Committed(_server.Bootstrap, "group", new TopicPartition(Topic, 0), IsolationLevel.ReadCommitted);
        short old = _producer.Epoch;
        Assert.Equal(0, await _producer.ProduceAsync(_first, "one", old, 0));
        Assert.Equal(0, await _producer.EndAsync(_first, _producer.End(true, old)));
        await CompleteAsync();

        await AssertRefusedAsync();
        Assert.Equal(0, await _producer.ProduceAsync(_first, "two", _producer.Epoch, 0));
        await AssertRefusedAsync();
        Assert.Equal(0, await _producer.EndAsync(_first, _producer.End(true, _producer.Epoch)));
        await CompleteAsync();
        AssertCommitted("one", "two");
        Assert.Equal(0, await _producer.EndOffsetAsync(_first, stable: false, partition: 1));
        Assert.Equal(Offset.Unset.Value, TransactionalClient.Committed(_server.Bootstrap, "group", new TopicPartition(Topic, 0), IsolationLevel.ReadCommitted));

        async Task AssertRefusedAsync()
        {
            Assert.Equal(ProducerFenced, await _producer.AddPartitionAsync(_second, old, partition: 1));
            Assert.Equal(InvalidProducerEpoch, await _producer.AddPartitionAsync(_second, old, partition: 1, version: 1));
            Assert.Equal(ProducerFenced, await _producer.AddOffsetsAsync(_second, "group", old));
            Assert.Equal(InvalidProducerEpoch, await _producer.ProduceAsync(_second, "late", old, 1));
            Assert.Equal(InvalidProducerEpoch, await _producer.ProduceAsync(_second, "late", old, 1, partition: 1));
            Assert.Equal(InvalidProducerEpoch, await _producer.CommitOffsetAsync(_second, "group", 7, old));
        }
    }

    [Fact]
    public async Task A_skipped_sequence_is_refused_and_the_transaction_can_still_be_aborted()
    {
        await StartWithVersion2Async();
        Assert.Equal(0, await _producer.ProduceAsync(_first, "one", _producer.Epoch, 0));
        Assert.Equal(OutOfOrderSequence, await _producer.ProduceAsync(_first, "three", _producer.Epoch, 2));
        Assert.Equal(0, await _producer.EndAsync(_first, _producer.End(false, _producer.Epoch)));
        await CompleteAsync();
        Assert.Equal(0, await _producer.ProduceAsync(_first, "again", _producer.Epoch, 0));
        Assert.Equal(0, await _producer.EndAsync(_first, _producer.End(true, _producer.Epoch)));
        await CompleteAsync();
        AssertCommitted("again");
    }

    private async Task StartWithVersion2Async()
    {
        Assert.Equal(0, await _producer.UseVersion2Async(_first));
        await _producer.InitAsync(_first);
    }

    /// <summary>The answer to EndTxn comes before the markers.</summary>
    private async Task CompleteAsync()
    {
        for (DateTime end = DateTime.UtcNow + TransactionalClient.Patience; await _producer.EndOffsetAsync(_second, stable: true) != await _producer.EndOffsetAsync(_second, stable: false); await Task.Delay(10))
        {
            Assert.True(DateTime.UtcNow < end, "no marker came");
        }
    }

    private void AssertCommitted(params string[] values) => Assert.Equal(values, StoredRecords.Values(_server.Bootstrap, Topic, 2, IsolationLevel.ReadCommitted));
}
