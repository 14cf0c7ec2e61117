using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server.Tests;

/// <summary>What administrators see and end: ListTransactions, DescribeTransactions, DescribeProducers, WriteTxnMarkers.</summary>
public sealed class TransactionAdminTests
{
    [Fact]
    public async Task Transactions_are_listed_by_state_producer_and_duration_and_described()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long ProducerId, short Epoch) open = await steps.InitAsync(id: "open", timeoutMs: 12_345);
        (long ProducerId, short Epoch) idle = await steps.InitAsync(id: "idle");
        await steps.AddAsync(open, [1, 0], id: "open");

        Assert.Equal(["idle Empty", "open Ongoing"], await ListAsync(broker, new ListTransactionsRequest(), 0));
        Assert.Equal(["open Ongoing"], await ListAsync(broker, new ListTransactionsRequest { StateFilters = new[] { "Ongoing", "Odd" } }, 1, unknown: ["Odd"]));
        Assert.Equal(["idle Empty"], await ListAsync(broker, new ListTransactionsRequest { ProducerIdFilters = new[] { idle.ProducerId } }, 1));
        Assert.DoesNotContain("open Ongoing", await ListAsync(broker, new ListTransactionsRequest { DurationFilter = 3_600_000 }, 1));

        DescribeTransactionsResponse.DescribedTransaction described = await steps.DescribeAsync("open");
        Assert.Equal((ErrorCode.None, "Ongoing", 12_345, open.ProducerId, open.Epoch), (described.ErrorCode, described.TransactionState, described.TransactionTimeoutMs, described.ProducerId, described.ProducerEpoch));
        Assert.True(described.TransactionStartTimeMs > 0);
        Assert.Equal([0, 1], described.Topics.ToArray()[0].Partitions.ToArray());
        Assert.Equal(ErrorCode.TransactionalIdNotFound, (await steps.DescribeAsync("nobody")).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, (await steps.DescribeAsync("")).ErrorCode);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task An_administrator_ends_what_hangs(int version)
    {
        await using TestBroker broker = await TestBroker.StartAsync(("transaction.partition.verification.enable", "false"));
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long ProducerId, short Epoch) me = await steps.InitAsync();
        await steps.ProduceAsync(me, 0, 0, "hangs");
        Assert.Equal(0, (await OpenSinceAsync(broker, me.ProducerId)).StartOffset);
        Assert.Equal(0, await steps.LatestOffsetAsync(0, committed: true));

        Assert.Equal(ErrorCode.UnknownTopicOrPartition, await WriteMarkerAsync(broker, me, 9, coordinatorEpoch: 5, version));
        Assert.Equal(ErrorCode.InvalidRequest, await WriteMarkerAsync(broker, (-1, 0), 0, coordinatorEpoch: 5, version));
        Assert.Equal(ErrorCode.None, await WriteMarkerAsync(broker, me, 0, coordinatorEpoch: 5, version));
        Assert.Equal((-1L, 5), await OpenSinceAsync(broker, me.ProducerId));
        Assert.Equal(2, await steps.LatestOffsetAsync(0, committed: true));
        Assert.Empty((await steps.ReadAsync(0, committed: true)).Values);
        Assert.Equal(ErrorCode.TransactionCoordinatorFenced, await WriteMarkerAsync(broker, me, 0, coordinatorEpoch: 4, version));
        Assert.Equal(ErrorCode.None, await WriteMarkerAsync(broker, (me.ProducerId, (short)(me.Epoch + 1)), 0, coordinatorEpoch: 5, version));
        Assert.Equal(ErrorCode.InvalidProducerEpoch, await WriteMarkerAsync(broker, me, 0, coordinatorEpoch: 5, version));
    }

    private static async Task<List<string>> ListAsync(TestBroker broker, ListTransactionsRequest request, int version, string[]? unknown = null)
    {
        ListTransactionsResponse response = await broker.AskAsync<ListTransactionsResponse>(ApiKey.ListTransactions, version, request);
        Assert.Equal(ErrorCode.None, response.ErrorCode);
        Assert.Equal(unknown ?? [], response.UnknownStateFilters.ToArray());
        return [.. response.TransactionStates.ToArray().Select(listed => $"{listed.TransactionalId} {listed.TransactionState}").Order(StringComparer.Ordinal)];
    }

    private static async Task<ErrorCode> WriteMarkerAsync(TestBroker broker, (long ProducerId, short Epoch) producer, int partition, int coordinatorEpoch, int version) =>
        (await broker.AskAsync<WriteTxnMarkersResponse>(ApiKey.WriteTxnMarkers, version, new WriteTxnMarkersRequest
        {
            Markers = new WriteTxnMarkersRequest.WritableTxnMarker[]
            {
                new()
                {
                    ProducerId = producer.ProducerId, ProducerEpoch = producer.Epoch, CoordinatorEpoch = coordinatorEpoch, TransactionResult = false,
                    Topics = new WriteTxnMarkersRequest.WritableTxnMarkerTopic[] { new() { Name = TransactionSteps.Topic, PartitionIndexes = new[] { partition } } },
                },
            },
        })).Markers.ToArray()[0].Topics.ToArray()[0].Partitions.ToArray()[0].ErrorCode;

    private static async Task<(long StartOffset, int CoordinatorEpoch)> OpenSinceAsync(TestBroker broker, long producerId)
    {
        DescribeProducersResponse response = await broker.AskAsync<DescribeProducersResponse>(ApiKey.DescribeProducers, 0, new DescribeProducersRequest
        {
            Topics = new DescribeProducersRequest.TopicRequest[] { new() { Name = TransactionSteps.Topic, PartitionIndexes = new[] { 0 } } },
        });
        DescribeProducersResponse.ProducerState state = response.Topics.ToArray()[0].Partitions.ToArray()[0].ActiveProducers.ToArray().Single(producer => producer.ProducerId == producerId);
        return (state.CurrentTxnStartOffset, state.CoordinatorEpoch);
    }
}
