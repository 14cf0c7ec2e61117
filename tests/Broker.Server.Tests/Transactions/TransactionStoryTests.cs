using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server.Tests;

/// <summary>Whole transactions over the wire, in every version of every API that takes part.</summary>
public sealed class TransactionStoryTests
{
    public static TheoryData<int, int, int, int, int> Versions() => new()
    {
        // InitProducerId, AddPartitionsToTxn, Produce, EndTxn, Fetch
        { 0, 0, 3, 0, 4 }, { 1, 1, 5, 1, 5 }, { 2, 2, 7, 2, 7 }, { 3, 3, 8, 3, 10 }, { 4, 3, 9, 4, 11 }, { 5, 3, 10, 4, 12 }, { 5, 3, 11, 4, 12 },
    };

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_reader_of_committed_records_sees_what_was_committed_and_nothing_that_is_open(int init, int add, int produce, int end, int fetch)
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long, short) me = await steps.InitAsync(init);

        Assert.Equal([ErrorCode.None, ErrorCode.None], await steps.AddAsync(me, [0, 1], add));
        Assert.Equal(ErrorCode.None, await steps.ProduceAsync(me, 0, 0, "a", produce));
        Assert.Equal(ErrorCode.None, await steps.ProduceAsync(me, 1, 0, "b", produce));
        Assert.Equal((0L, 1L), (await steps.LatestOffsetAsync(0, committed: true), await steps.LatestOffsetAsync(0, committed: false)));
        (List<string> values, long stable) = await steps.ReadAsync(0, committed: true, fetch);
        Assert.Empty(values);
        Assert.Equal(0, stable);
        Assert.Equal(["a"], (await steps.ReadAsync(0, committed: false, fetch)).Values);

        Assert.Equal(ErrorCode.None, (await steps.EndAsync(me, commit: true, end)).ErrorCode);
        await steps.RestAsync();
        Assert.Equal(["a"], (await steps.ReadAsync(0, committed: true, fetch)).Values);
        Assert.Equal(["b"], (await steps.ReadAsync(1, committed: true, fetch)).Values);
        Assert.Equal(2, await steps.LatestOffsetAsync(0, committed: true));

        Assert.Equal([ErrorCode.None], await steps.AddAsync(me, [0], add));
        Assert.Equal(ErrorCode.None, await steps.ProduceAsync(me, 0, 1, "never", produce));
        Assert.Equal(ErrorCode.None, (await steps.EndAsync(me, commit: false, end)).ErrorCode);
        await steps.RestAsync();
        (values, stable) = await steps.ReadAsync(0, committed: true, fetch);
        Assert.Equal(["a"], values);
        Assert.Equal(4, stable);
        Assert.Equal(["a", "never"], (await steps.ReadAsync(0, committed: false, fetch)).Values);
    }

    /// <summary>transaction.version 2: Produce 12 adds the partition, EndTxn 5 gives the next epoch, and nothing delayed reaches the next transaction.</summary>
    [Fact]
    public async Task Every_transaction_has_its_epoch_and_adds_its_partitions_itself()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long ProducerId, short Epoch) first = await steps.InitAsync(5);

        Assert.Equal(ErrorCode.None, await steps.ProduceAsync(first, 0, 0, "one", version: 12));
        Assert.Equal(ErrorCode.None, await steps.ProduceAsync(first, 1, 0, "one", version: 12));
        EndTxnResponse end = await steps.EndAsync(first, commit: true, version: 5);
        Assert.Equal((ErrorCode.None, first.ProducerId, (short)(first.Epoch + 1)), (end.ErrorCode, end.ProducerId, end.ProducerEpoch));
        await steps.RestAsync();
        EndTxnResponse again = await steps.EndAsync(first, commit: true, version: 5);
        Assert.Equal((ErrorCode.None, end.ProducerEpoch), (again.ErrorCode, again.ProducerEpoch));

        (long, short) second = (end.ProducerId, end.ProducerEpoch);
        Assert.Equal(ErrorCode.None, await steps.ProduceAsync(second, 0, 0, "two", version: 12));
        Assert.Equal(ErrorCode.ProducerFenced, (await steps.EndAsync(first, commit: true, version: 5)).ErrorCode);
        Assert.Equal(ErrorCode.ProducerFenced, (await steps.EndAsync(first, commit: false, version: 5)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, await steps.ProduceAsync(first, 1, 1, "late", version: 12));
        Assert.Equal(ErrorCode.InvalidProducerEpoch, await steps.ProduceAsync(first, 0, 1, "late", version: 12));
        Assert.Equal("Ongoing", (await steps.DescribeAsync(TransactionSteps.Id)).TransactionState);

        Assert.Equal(ErrorCode.None, (await steps.EndAsync(second, commit: true, version: 5)).ErrorCode);
        await steps.RestAsync();
        Assert.Equal(["one", "two"], (await steps.ReadAsync(0, committed: true)).Values);
        Assert.Equal(["one"], (await steps.ReadAsync(1, committed: true)).Values);
    }

    [Fact]
    public async Task A_producer_that_starts_anew_fences_the_one_before()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long ProducerId, short Epoch) zombie = await steps.InitAsync();
        await steps.AddAsync(zombie, [0]);
        await steps.ProduceAsync(zombie, 0, 0, "never");
        (long ProducerId, short Epoch) me = await steps.InitAsync();

        Assert.Equal(zombie.ProducerId, me.ProducerId);
        Assert.True(me.Epoch > zombie.Epoch);
        Assert.Equal(ErrorCode.ProducerFenced, (await steps.EndAsync(zombie, commit: true, version: 2)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, (await steps.EndAsync(zombie, commit: true, version: 1)).ErrorCode);
        Assert.Equal([ErrorCode.ProducerFenced], await steps.AddAsync(zombie, [0], version: 2));
        Assert.Equal([ErrorCode.InvalidProducerEpoch], await steps.AddAsync(zombie, [0], version: 1));
        Assert.Equal(ErrorCode.InvalidProducerEpoch, await steps.ProduceAsync(zombie, 0, 1, "never"));
        Assert.Equal(ErrorCode.ProducerFenced, (await steps.TryInitAsync(4, producerId: zombie.ProducerId, epoch: zombie.Epoch)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, (await steps.TryInitAsync(3, producerId: zombie.ProducerId, epoch: zombie.Epoch)).ErrorCode);
        Assert.Empty((await steps.ReadAsync(0, committed: true)).Values);

        Assert.Equal((ErrorCode.None, (short)(me.Epoch + 1)), await Bump(steps, me));
        Assert.Equal((ErrorCode.None, (short)(me.Epoch + 1)), await Bump(steps, me));
    }

    [Fact]
    public async Task An_open_transaction_and_its_producer_survive_a_restart()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long, short) me = await steps.InitAsync();
        await steps.AddAsync(me, [0]);
        await steps.ProduceAsync(me, 0, 0, "a");
        await broker.RestartAsync();

        Assert.Equal(0, await steps.LatestOffsetAsync(0, committed: true));
        Assert.Equal(ErrorCode.None, await steps.ProduceAsync(me, 0, 1, "b"));
        EndTxnResponse end = await Wait.UntilAsync(() => steps.EndAsync(me, commit: true), answer => answer.ErrorCode != ErrorCode.CoordinatorLoadInProgress);
        Assert.Equal(ErrorCode.None, end.ErrorCode);
        await steps.RestAsync();
        Assert.Equal(["a", "b"], (await steps.ReadAsync(0, committed: true)).Values);
    }

    [Fact]
    public async Task A_transaction_that_takes_too_long_is_aborted()
    {
        await using TestBroker broker = await TestBroker.StartAsync(("transaction.abort.timed.out.transaction.cleanup.interval.ms", "10"));
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long, short) me = await steps.InitAsync(timeoutMs: 1);
        await steps.AddAsync(me, [0]);
        await Wait.UntilAsync(async () => (await steps.DescribeAsync(TransactionSteps.Id)).TransactionState, state => state == "CompleteAbort");
        Assert.Equal(ErrorCode.ProducerFenced, (await steps.EndAsync(me, commit: true)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidTxnState, await AfterTimeout(steps, me));
    }

    private static async Task<(ErrorCode, short)> Bump(TransactionSteps steps, (long ProducerId, short Epoch) producer)
    {
        InitProducerIdResponse response = await steps.TryInitAsync(4, producerId: producer.ProducerId, epoch: producer.Epoch);
        return (response.ErrorCode, response.ProducerEpoch);
    }

    /// <summary>A batch of the aborted transaction comes late: fenced where a marker was written, and not part of anything elsewhere.</summary>
    private static async Task<ErrorCode> AfterTimeout(TransactionSteps steps, (long ProducerId, short Epoch) producer)
    {
        Assert.Equal(ErrorCode.InvalidProducerEpoch, await steps.ProduceAsync(producer, 1, 0, "late"));
        (long, short) next = await steps.InitAsync();
        return await steps.ProduceAsync(next, 0, 0, "not added", version: 10);
    }
}
