using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>Requests of a producer that was replaced, or for what no transaction is open, get the error that their version knows and change nothing.</summary>
public sealed class StaleRequestsTests : IAsyncLifetime
{
    private const string Topic = "events";
    private const short InvalidProducerEpoch = 47;
    private const short InvalidTxnState = 48;
    private const short InvalidProducerIdMapping = 49;
    private const short ProducerFenced = 90;
    private const short TransactionAbortable = 120;

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

    /// <summary>The errors as each version of a request says them.</summary>
    [Fact]
    public async Task A_replaced_producer_is_refused_whatever_it_sends()
    {
        await _producer.InitAsync(_first);
        short old = _producer.Epoch;
        Assert.Equal(0, await _producer.AddPartitionAsync(_first, old));
        Assert.Equal(0, await _producer.ProduceOldAsync(_first, "of the old one", old, 0));
        await _producer.InitAsync(_second);
        await CompleteAsync();
        short now = _producer.Epoch;
        Assert.Equal(0, await _producer.AddPartitionAsync(_second, now));
        Assert.Equal(0, await _producer.ProduceOldAsync(_second, "of the new one", now, 0));
        long stable = await _producer.EndOffsetAsync(_second, stable: true);

        Assert.Equal(ProducerFenced, await _producer.EndOldAsync(_first, commit: false, old));
        Assert.Equal(InvalidProducerEpoch, await _producer.EndOldAsync(_first, commit: true, old, version: 1));
        Assert.Equal(ProducerFenced, await _producer.AddPartitionAsync(_first, old, partition: 1));
        Assert.Equal(InvalidProducerEpoch, await _producer.AddPartitionAsync(_first, old, partition: 1, version: 1));
        Assert.Equal(ProducerFenced, await _producer.AddOffsetsAsync(_first, "group", old));
        Assert.Equal(InvalidProducerEpoch, await _producer.AddOffsetsAsync(_first, "group", old, version: 1));
        Assert.Equal(InvalidProducerEpoch, await _producer.ProduceOldAsync(_first, "late", old, 1));
        Assert.Equal(stable, await _producer.EndOffsetAsync(_second, stable: true));

        var stranger = new RawProducer("raw", Topic) { ProducerId = _producer.ProducerId + 1000, Epoch = now };
        Assert.Equal(InvalidProducerIdMapping, await stranger.EndOldAsync(_first, commit: true, now));
        Assert.Equal(InvalidProducerIdMapping, await stranger.AddPartitionAsync(_first, now));
        Assert.Equal(0, await _producer.EndOldAsync(_second, commit: true, now));
        await CompleteAsync();
        AssertCommitted("of the new one");
    }

    [Fact]
    public async Task A_record_of_a_partition_that_was_not_added_is_refused()
    {
        await _producer.InitAsync(_first);
        Assert.Equal(InvalidTxnState, await _producer.ProduceOldAsync(_first, "too early", _producer.Epoch, 0));
        Assert.Equal(0, await _producer.AddPartitionAsync(_first, _producer.Epoch));
        Assert.Equal(0, await _producer.ProduceOldAsync(_first, "one", _producer.Epoch, 0));
        Assert.Equal(InvalidTxnState, await _producer.ProduceOldAsync(_first, "elsewhere", _producer.Epoch, 0, partition: 1));
        Assert.Equal(TransactionAbortable, await _producer.ProduceAsync(_first, "elsewhere", _producer.Epoch, 0, partition: 1, version: 11));
        Assert.Equal(0, await _producer.EndOldAsync(_first, commit: true, _producer.Epoch));
        await CompleteAsync();
        // The transaction is over: what comes late does not open a partition for ever.
        Assert.Equal(InvalidTxnState, await _producer.ProduceOldAsync(_first, "late", _producer.Epoch, 1));
        AssertCommitted("one");
        Assert.Equal(0, await _producer.EndOffsetAsync(_first, stable: false, partition: 1));
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
