using Broker.Protocol;
using Broker.Protocol.Messages;
using Broker.Protocol.Records;

namespace Broker.Server.Tests;

/// <summary>What a transactional producer and its readers send, one request per step, in the versions asked for.</summary>
internal sealed class TransactionSteps(TestBroker broker)
{
    public const string Id = "tx";
    public const string Topic = "t";

    public static async Task<TransactionSteps> StartAsync(TestBroker broker, int partitions = 2)
    {
        CreateTopicsResponse created = await broker.AskAsync<CreateTopicsResponse>(
            ApiKey.CreateTopics, 2, new CreateTopicsRequest { Topics = new CreateTopicsRequest.CreatableTopic[] { new() { Name = Topic, NumPartitions = partitions, ReplicationFactor = 1 } }, TimeoutMs = 10_000 });
        Assert.Equal(ErrorCode.None, created.Topics.ToArray()[0].ErrorCode);
        foreach (sbyte type in new sbyte[] { 0, 1 })
        {
            FindCoordinatorResponse found = await broker.AskAsync<FindCoordinatorResponse>(ApiKey.FindCoordinator, 1, new FindCoordinatorRequest { Key = Id, KeyType = type });
            Assert.Equal((ErrorCode.None, 1), (found.ErrorCode, found.NodeId));
        }

        return new TransactionSteps(broker);
    }

    /// <summary>Initialises a producer as clients do: again while the coordinator is loading or something is ending.</summary>
    public async Task<(long ProducerId, short Epoch)> InitAsync(int version = 4, string id = Id, int timeoutMs = 60_000)
    {
        InitProducerIdResponse response = await Wait.UntilAsync(
            () => TryInitAsync(version, id, timeoutMs),
            answer => answer.ErrorCode is not (ErrorCode.ConcurrentTransactions or ErrorCode.CoordinatorLoadInProgress));
        Assert.Equal(ErrorCode.None, response.ErrorCode);
        return (response.ProducerId, response.ProducerEpoch);
    }

    public Task<InitProducerIdResponse> TryInitAsync(int version, string id = Id, int timeoutMs = 60_000, long producerId = -1, short epoch = -1) =>
        broker.AskAsync<InitProducerIdResponse>(ApiKey.InitProducerId, version, new InitProducerIdRequest
        {
            TransactionalId = id, TransactionTimeoutMs = timeoutMs, ProducerId = producerId, ProducerEpoch = epoch,
        });

    /// <summary>Up to version 3. Errors by partition, in the order asked for.</summary>
    public async Task<ErrorCode[]> AddAsync((long ProducerId, short Epoch) producer, int[] partitions, int version = 3, string id = Id)
    {
        AddPartitionsToTxnResponse response = await broker.AskAsync<AddPartitionsToTxnResponse>(ApiKey.AddPartitionsToTxn, version, new AddPartitionsToTxnRequest
        {
            V3AndBelowTransactionalId = id,
            V3AndBelowProducerId = producer.ProducerId,
            V3AndBelowProducerEpoch = producer.Epoch,
            V3AndBelowTopics = new AddPartitionsToTxnRequest.AddPartitionsToTxnTopic[] { new() { Name = Topic, Partitions = partitions } },
        });
        return [.. response.ResultsByTopicV3AndBelow.ToArray().SelectMany(topic => topic.ResultsByPartition.ToArray()).Select(partition => partition.PartitionErrorCode)];
    }

    /// <summary>Version 4 and later, as one broker asks another.</summary>
    public async Task<ErrorCode[]> AddBatchedAsync((long ProducerId, short Epoch) producer, int[] partitions, bool verifyOnly, int version = 4, string id = Id)
    {
        AddPartitionsToTxnResponse response = await broker.AskAsync<AddPartitionsToTxnResponse>(ApiKey.AddPartitionsToTxn, version, new AddPartitionsToTxnRequest
        {
            Transactions = new AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction[]
            {
                new()
                {
                    TransactionalId = id, ProducerId = producer.ProducerId, ProducerEpoch = producer.Epoch, VerifyOnly = verifyOnly,
                    Topics = new AddPartitionsToTxnRequest.AddPartitionsToTxnTopic[] { new() { Name = Topic, Partitions = partitions } },
                },
            },
        });
        return [.. response.ResultsByTransaction.ToArray().SelectMany(result => result.TopicResults.ToArray()).SelectMany(topic => topic.ResultsByPartition.ToArray()).Select(p => p.PartitionErrorCode)];
    }

    public async Task<ErrorCode> ProduceAsync((long ProducerId, short Epoch) producer, int partition, int sequence, string value, int version = 11, string? id = Id)
    {
        var batch = new RecordBatchBuilder(new RecordBatchOptions { ProducerId = producer.ProducerId, ProducerEpoch = producer.Epoch, BaseSequence = sequence, IsTransactional = true });
        // The present, as markers have: a log with a week between two records begins a new segment.
        batch.Append(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), null, System.Text.Encoding.UTF8.GetBytes(value));
        ProduceResponse response = await broker.AskAsync<ProduceResponse>(ApiKey.Produce, version, new ProduceRequest
        {
            TransactionalId = id,
            Acks = -1,
            TimeoutMs = 10_000,
            TopicData = new ProduceRequest.TopicProduceData[]
            {
                new() { Name = Topic, PartitionData = new ProduceRequest.PartitionProduceData[] { new() { Index = partition, Records = WireRecords.FromMemory(batch.Build()) } } },
            },
        });
        return response.Responses.ToArray()[0].PartitionResponses.ToArray()[0].ErrorCode;
    }

    public Task<EndTxnResponse> EndAsync((long ProducerId, short Epoch) producer, bool commit, int version = 4, string id = Id) =>
        broker.AskAsync<EndTxnResponse>(ApiKey.EndTxn, version, new EndTxnRequest { TransactionalId = id, ProducerId = producer.ProducerId, ProducerEpoch = producer.Epoch, Committed = commit });

    /// <summary>Waits until the markers are written: nothing of the id is open or ending.</summary>
    public async Task RestAsync(string id = Id) => await Wait.UntilAsync(
        async () => (await DescribeAsync(id)).TransactionState,
        state => state is "Empty" or "CompleteCommit" or "CompleteAbort");

    public async Task<DescribeTransactionsResponse.DescribedTransaction> DescribeAsync(string id) =>
        (await broker.AskAsync<DescribeTransactionsResponse>(ApiKey.DescribeTransactions, 0, new DescribeTransactionsRequest { TransactionalIds = new[] { id } })).TransactionStates.ToArray()[0];

    /// <summary>What a consumer shows: values of the partition, without aborted ones when it reads committed records only.</summary>
    public async Task<(List<string> Values, long LastStableOffset)> ReadAsync(int partition, bool committed, int version = 12)
    {
        FetchResponse response = await broker.AskAsync<FetchResponse>(ApiKey.Fetch, version, new FetchRequest
        {
            ReplicaId = -1, MaxWaitMs = 0, MinBytes = 0, MaxBytes = 1 << 20, IsolationLevel = committed ? (sbyte)1 : (sbyte)0, SessionEpoch = -1,
            Topics = new FetchRequest.FetchTopic[]
            {
                new() { Topic = Topic, Partitions = new FetchRequest.FetchPartition[] { new() { Partition = partition, PartitionMaxBytes = 1 << 20, CurrentLeaderEpoch = -1, LastFetchedEpoch = -1 } } },
            },
        });
        FetchResponse.PartitionData data = response.Responses.ToArray()[0].Partitions.ToArray()[0];
        Assert.Equal(ErrorCode.None, data.ErrorCode);
        Queue<FetchResponse.AbortedTransaction> aborted = new((data.AbortedTransactions.IsNull ? [] : data.AbortedTransactions.ToArray()).OrderBy(a => a.FirstOffset));
        return (Visible(data.Records.Memory, committed, aborted), data.LastStableOffset);
    }

    public async Task<long> LatestOffsetAsync(int partition, bool committed)
    {
        ListOffsetsResponse response = await broker.AskAsync<ListOffsetsResponse>(ApiKey.ListOffsets, 5, new ListOffsetsRequest
        {
            ReplicaId = -1, IsolationLevel = committed ? (sbyte)1 : (sbyte)0,
            Topics = new ListOffsetsRequest.ListOffsetsTopic[]
            {
                new() { Name = Topic, Partitions = new ListOffsetsRequest.ListOffsetsPartition[] { new() { PartitionIndex = partition, Timestamp = -1, CurrentLeaderEpoch = -1 } } },
            },
        });
        return response.Topics.ToArray()[0].Partitions.ToArray()[0].Offset;
    }

    private static List<string> Visible(ReadOnlyMemory<byte> bytes, bool committed, Queue<FetchResponse.AbortedTransaction> aborted)
    {
        HashSet<long> skipping = [];
        List<string> values = [];
        while (RecordBatchHeader.TryRead(bytes.Span, out RecordBatchHeader batch))
        {
            while (aborted.TryPeek(out FetchResponse.AbortedTransaction next) && next.FirstOffset <= batch.LastOffset)
            {
                skipping.Add(next.ProducerId);
                aborted.Dequeue();
            }

            if (batch.IsControl)
            {
                skipping.Remove(batch.ProducerId);
            }
            else if (!committed || !batch.IsTransactional || !skipping.Contains(batch.ProducerId))
            {
                using var reader = new RecordBatchReader(bytes.Span[..batch.SizeInBytes]);
                while (reader.MoveNext(out Broker.Protocol.Records.Record record))
                {
                    values.Add(System.Text.Encoding.UTF8.GetString(record.Value));
                }
            }

            bytes = bytes[batch.SizeInBytes..];
        }

        return values;
    }
}
