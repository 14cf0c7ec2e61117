using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server.Tests;

/// <summary>What wrong, outdated and misplaced requests are told, by version.</summary>
public sealed class TransactionRefusalTests
{
    [Fact]
    public async Task InitProducerId_checks_id_timeout_and_that_an_epoch_comes_with_its_producer()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long ProducerId, short Epoch) me = await steps.InitAsync();

        Assert.Equal(ErrorCode.InvalidRequest, (await steps.TryInitAsync(4, id: "")).ErrorCode);
        Assert.Equal(ErrorCode.InvalidTransactionTimeout, (await steps.TryInitAsync(4, timeoutMs: 0)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidTransactionTimeout, (await steps.TryInitAsync(4, timeoutMs: 900_001)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, (await steps.TryInitAsync(4, producerId: me.ProducerId)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, (await steps.TryInitAsync(4, epoch: me.Epoch)).ErrorCode);
        InitProducerIdResponse fenced = await steps.TryInitAsync(4, producerId: me.ProducerId + 1, epoch: 0);
        Assert.Equal((ErrorCode.ProducerFenced, -1L, (short)-1), (fenced.ErrorCode, fenced.ProducerId, fenced.ProducerEpoch));
    }

    [Fact]
    public async Task Unknown_ids_and_producers_are_told_so()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long ProducerId, short Epoch) me = await steps.InitAsync();
        (long, short) stranger = (me.ProducerId + 1, 0);

        Assert.Equal([ErrorCode.InvalidRequest], await steps.AddAsync(me, [0], id: ""));
        Assert.Equal([ErrorCode.InvalidProducerIdMapping], await steps.AddAsync(me, [0], id: "nobody"));
        Assert.Equal([ErrorCode.InvalidProducerIdMapping], await steps.AddAsync(stranger, [0]));
        Assert.Equal([ErrorCode.OperationNotAttempted, ErrorCode.UnknownTopicOrPartition], await steps.AddAsync(me, [0, 9]));
        Assert.Equal("Empty", (await steps.DescribeAsync(TransactionSteps.Id)).TransactionState);

        Assert.Equal(ErrorCode.InvalidRequest, (await steps.EndAsync(me, true, id: "")).ErrorCode);
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, (await steps.EndAsync(me, true, id: "nobody")).ErrorCode);
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, (await steps.EndAsync(stranger, true)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidTxnState, (await steps.EndAsync(me, true)).ErrorCode);
        EndTxnResponse end = await steps.EndAsync(stranger, true, version: 5);
        Assert.Equal((ErrorCode.InvalidProducerIdMapping, -1L, (short)-1), (end.ErrorCode, end.ProducerId, end.ProducerEpoch));
    }

    [Fact]
    public async Task A_partition_that_is_not_in_the_transaction_takes_no_transactional_records()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long ProducerId, short Epoch) me = await steps.InitAsync();
        await steps.AddAsync(me, [0]);

        Assert.Equal(ErrorCode.InvalidTxnState, await steps.ProduceAsync(me, 1, 0, "no", version: 10));
        Assert.Equal(ErrorCode.TransactionAbortable, await steps.ProduceAsync(me, 1, 0, "no", version: 11));
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, await steps.ProduceAsync(me, 1, 0, "no", id: "nobody"));
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, await steps.ProduceAsync((me.ProducerId + 1, 0), 1, 0, "no"));
        Assert.Equal(ErrorCode.InvalidProducerEpoch, await steps.ProduceAsync((me.ProducerId, (short)(me.Epoch + 1)), 1, 0, "no"));
        Assert.Equal(ErrorCode.TransactionalIdAuthorizationFailed, await steps.ProduceAsync(me, 0, 0, "no", id: null));
        Assert.Equal(0, await steps.LatestOffsetAsync(1, committed: false));

        Assert.Equal(ErrorCode.None, await steps.ProduceAsync(me, 0, 0, "yes"));
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, await steps.ProduceAsync(me, 0, 5, "no"));
        Assert.Equal(ErrorCode.None, (await steps.EndAsync(me, commit: true)).ErrorCode);
        await steps.RestAsync();

        // The transaction has ended: what comes after it must not open one that nobody will end.
        Assert.Equal(ErrorCode.InvalidTxnState, await steps.ProduceAsync(me, 0, 1, "late", version: 10));
        Assert.Equal((2L, 2L), (await steps.LatestOffsetAsync(0, true), await steps.LatestOffsetAsync(0, false)));
    }

    [Fact]
    public async Task Without_verification_only_the_log_itself_judges()
    {
        await using TestBroker broker = await TestBroker.StartAsync(("transaction.partition.verification.enable", "false"));
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long, short) me = await steps.InitAsync();
        Assert.Equal(ErrorCode.None, await steps.ProduceAsync(me, 0, 0, "not added"));
    }

    [Fact]
    public async Task Brokers_ask_for_several_transactions_and_change_nothing_by_asking()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long ProducerId, short Epoch) me = await steps.InitAsync();

        Assert.Equal([ErrorCode.TransactionAbortable], await steps.AddBatchedAsync(me, [0], verifyOnly: true));
        Assert.Equal("Empty", (await steps.DescribeAsync(TransactionSteps.Id)).TransactionState);
        Assert.Equal([ErrorCode.None], await steps.AddBatchedAsync(me, [0], verifyOnly: false));
        Assert.Equal([ErrorCode.None, ErrorCode.TransactionAbortable], await steps.AddBatchedAsync(me, [0, 1], verifyOnly: true, version: 5));
        Assert.Equal([ErrorCode.ProducerFenced], await steps.AddBatchedAsync((me.ProducerId, 7), [0], verifyOnly: true));
        Assert.Equal([ErrorCode.InvalidProducerIdMapping], await steps.AddBatchedAsync(me, [0], verifyOnly: true, id: "nobody"));
    }
}
