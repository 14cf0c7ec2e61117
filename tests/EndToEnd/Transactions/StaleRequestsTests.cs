using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>Requests of a producer that was replaced, or for what no transaction is open, get the error that their version knows and change nothing.</summary>
public sealed class StaleRequestsTests : RawTransactionTests
{
    private const short InvalidProducerIdMapping = 49;
    private const short TransactionAbortable = 120;

    /// <summary>The errors as each version of a request says them.</summary>
    [Fact]
    public async Task A_replacedProducer_is_refused_whatever_it_sends()
    {
        await Producer.InitAsync(First);
        short old = Producer.Epoch;
        Assert.Equal(0, await Producer.AddPartitionAsync(First, old));
        Assert.Equal(0, await Producer.ProduceOldAsync(First, "of the old one", old, 0));
        await Producer.InitAsync(Second);
        await CompleteAsync();
        short now = Producer.Epoch;
        Assert.Equal(0, await Producer.AddPartitionAsync(Second, now));
        Assert.Equal(0, await Producer.ProduceOldAsync(Second, "of the new one", now, 0));
        long stable = await Producer.EndOffsetAsync(Second, stable: true);

        Assert.Equal(ProducerFenced, await Producer.EndOldAsync(First, commit: false, old));
        Assert.Equal(InvalidProducerEpoch, await Producer.EndOldAsync(First, commit: true, old, version: 1));
        Assert.Equal(ProducerFenced, await Producer.AddPartitionAsync(First, old, partition: 1));
        Assert.Equal(InvalidProducerEpoch, await Producer.AddPartitionAsync(First, old, partition: 1, version: 1));
        Assert.Equal(ProducerFenced, await Producer.AddOffsetsAsync(First, "group", old));
        Assert.Equal(InvalidProducerEpoch, await Producer.AddOffsetsAsync(First, "group", old, version: 1));
        Assert.Equal(InvalidProducerEpoch, await Producer.ProduceOldAsync(First, "late", old, 1));
        Assert.Equal(stable, await Producer.EndOffsetAsync(Second, stable: true));

        var stranger = new RawProducer("raw", Topic) { ProducerId = Producer.ProducerId + 1000, Epoch = now };
        Assert.Equal(InvalidProducerIdMapping, await stranger.EndOldAsync(First, commit: true, now));
        Assert.Equal(InvalidProducerIdMapping, await stranger.AddPartitionAsync(First, now));
        Assert.Equal(0, await Producer.EndOldAsync(Second, commit: true, now));
        await CompleteAsync();
        AssertCommitted("of the new one");
    }

    [Fact]
    public async Task A_record_of_a_partition_that_was_not_added_is_refused()
    {
        await Producer.InitAsync(First);
        Assert.Equal(InvalidTxnState, await Producer.ProduceOldAsync(First, "too early", Producer.Epoch, 0));
        Assert.Equal(0, await Producer.AddPartitionAsync(First, Producer.Epoch));
        Assert.Equal(0, await Producer.ProduceOldAsync(First, "one", Producer.Epoch, 0));
        Assert.Equal(InvalidTxnState, await Producer.ProduceOldAsync(First, "elsewhere", Producer.Epoch, 0, partition: 1));
        Assert.Equal(TransactionAbortable, await Producer.ProduceAsync(First, "elsewhere", Producer.Epoch, 0, partition: 1, version: 11));
        Assert.Equal(0, await Producer.EndOldAsync(First, commit: true, Producer.Epoch));
        await CompleteAsync();
        // The transaction is over: what comes late does not open a partition for ever.
        Assert.Equal(InvalidTxnState, await Producer.ProduceOldAsync(First, "late", Producer.Epoch, 1));
        AssertCommitted("one");
        Assert.Equal(0, await Producer.EndOffsetAsync(First, stable: false, partition: 1));
    }
}
