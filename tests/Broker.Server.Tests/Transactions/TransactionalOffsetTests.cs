using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server.Tests;

/// <summary>AddOffsetsToTxn and TxnOffsetCommit: offsets that count once the transaction commits.</summary>
public sealed class TransactionalOffsetTests
{
    private const string Group = "g";

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(3, 3)]
    [InlineData(4, 4)]
    [InlineData(4, 5)]
    public async Task Offsets_are_pending_until_the_transaction_ends(int addVersion, int commitVersion)
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long, short) me = await steps.InitAsync();

        for (int round = 0; round < 2; round++)
        {
            bool commits = round == 0;
            if (commitVersion < 5)
            {
                Assert.Equal(ErrorCode.None, await AddOffsetsAsync(broker, me, addVersion));
            }

            Assert.Equal(ErrorCode.None, await CommitAsync(broker, me, 10 + round, commitVersion));
            long before = round == 0 ? -1 : 10;
            Assert.Equal((ErrorCode.None, before), await FetchAsync(broker, requireStable: false));
            Assert.Equal((ErrorCode.UnstableOffsetCommit, -1), await FetchAsync(broker, requireStable: true));
            Assert.Equal(ErrorCode.None, (await steps.EndAsync(me, commits)).ErrorCode);
            await steps.RestAsync();
            Assert.Equal((ErrorCode.None, 10), await FetchAsync(broker, requireStable: true));
        }
    }

    [Fact]
    public async Task Commits_outside_the_transaction_of_strangers_and_for_unknown_topics_are_refused()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long ProducerId, short Epoch) me = await steps.InitAsync();

        Assert.Equal(ErrorCode.InvalidTxnState, await CommitAsync(broker, me, 1, 3));
        Assert.Equal(ErrorCode.TransactionAbortable, await CommitAsync(broker, me, 1, 4));
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, await CommitAsync(broker, (me.ProducerId + 1, 0), 1, 4));
        Assert.Equal(ErrorCode.InvalidProducerEpoch, await CommitAsync(broker, (me.ProducerId, (short)(me.Epoch + 1)), 1, 4));
        Assert.Equal(ErrorCode.InvalidProducerIdMapping, await CommitAsync(broker, (-1, -1), 1, 5));
        await AddOffsetsAsync(broker, me, 4);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, await CommitAsync(broker, me, 1, 4, topic: "nowhere"));
        Assert.Equal(ErrorCode.InvalidGroupId, await CommitAsync(broker, me, 1, 4, group: ""));
        Assert.Equal(ErrorCode.IllegalGeneration, await CommitAsync(broker, me, 1, 4, generation: 3));
        Assert.Equal(ErrorCode.None, await CommitAsync(broker, me, 1, 4));
        Assert.Equal(ErrorCode.ProducerFenced, await AddOffsetsAsync(broker, (me.ProducerId, (short)(me.Epoch + 1)), 2));
        Assert.Equal(ErrorCode.InvalidProducerEpoch, await AddOffsetsAsync(broker, (me.ProducerId, (short)(me.Epoch + 1)), 1));
    }

    [Fact]
    public async Task Pending_offsets_survive_a_restart()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        TransactionSteps steps = await TransactionSteps.StartAsync(broker);
        (long, short) me = await steps.InitAsync();
        await AddOffsetsAsync(broker, me, 4);
        await CommitAsync(broker, me, 7, 4);
        await broker.RestartAsync();
        await Wait.UntilAsync(() => FetchAsync(broker, requireStable: true), answer => answer.Error == ErrorCode.UnstableOffsetCommit);
        EndTxnResponse end = await Wait.UntilAsync(() => steps.EndAsync(me, commit: true), answer => answer.ErrorCode != ErrorCode.CoordinatorLoadInProgress);
        Assert.Equal(ErrorCode.None, end.ErrorCode);
        await steps.RestAsync();
        Assert.Equal((ErrorCode.None, 7), await FetchAsync(broker, requireStable: true));
    }

    private static async Task<ErrorCode> AddOffsetsAsync(TestBroker broker, (long ProducerId, short Epoch) producer, int version) =>
        (await broker.AskAsync<AddOffsetsToTxnResponse>(ApiKey.AddOffsetsToTxn, version, new AddOffsetsToTxnRequest
        {
            TransactionalId = TransactionSteps.Id, ProducerId = producer.ProducerId, ProducerEpoch = producer.Epoch, GroupId = Group,
        })).ErrorCode;

    private static async Task<ErrorCode> CommitAsync(
        TestBroker broker, (long ProducerId, short Epoch) producer, long offset, int version, string topic = TransactionSteps.Topic, string group = Group, int generation = -1) =>
        (await broker.AskAsync<TxnOffsetCommitResponse>(ApiKey.TxnOffsetCommit, version, new TxnOffsetCommitRequest
        {
            TransactionalId = TransactionSteps.Id,
            GroupId = group,
            ProducerId = producer.ProducerId,
            ProducerEpoch = producer.Epoch,
            GenerationId = generation,
            MemberId = generation < 0 ? "" : "m",
            Topics = new TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic[]
            {
                new() { Name = topic, Partitions = new TxnOffsetCommitRequest.TxnOffsetCommitRequestPartition[] { new() { PartitionIndex = 0, CommittedOffset = offset, CommittedMetadata = "" } } },
            },
        })).Topics.ToArray()[0].Partitions.ToArray()[0].ErrorCode;

    private static async Task<(ErrorCode Error, long Offset)> FetchAsync(TestBroker broker, bool requireStable)
    {
        OffsetFetchResponse response = await broker.AskAsync<OffsetFetchResponse>(ApiKey.OffsetFetch, 7, new OffsetFetchRequest
        {
            GroupId = Group, RequireStable = requireStable,
            Topics = new OffsetFetchRequest.OffsetFetchRequestTopic[] { new() { Name = TransactionSteps.Topic, PartitionIndexes = new[] { 0 } } },
        });
        if (response.ErrorCode != ErrorCode.None)
        {
            return (response.ErrorCode, -1);
        }

        OffsetFetchResponse.OffsetFetchResponsePartition partition = response.Topics.ToArray()[0].Partitions.ToArray()[0];
        return (partition.ErrorCode, partition.CommittedOffset);
    }
}
