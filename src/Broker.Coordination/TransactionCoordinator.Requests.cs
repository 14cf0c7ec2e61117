using Broker.Protocol.Messages;

namespace Broker.Coordination;

/// <content>InitProducerId, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn, and the question whether a partition belongs to a transaction.</content>
public sealed partial class TransactionCoordinator
{
    private const short InitKnowsFenced = 4;
    private const short OthersKnowFenced = 2;
    private const short AddIsBatched = 4;
    private const short EndGivesEpoch = 5;
    private const short BumpsEpoch = 2;

    /// <summary>
    /// Versions 0 to 5, with a transactional id. <paramref name="newProducerId"/> gives an unused producer id; it is asked only when one is needed.
    /// </summary>
    public async ValueTask<InitProducerIdResponse> InitProducerIdAsync(InitProducerIdRequest request, Func<ValueTask<long>> newProducerId, CallerInfo caller)
    {
        string id = request.TransactionalId ?? "";
        bool isHalf = (request.ProducerId == TransactionSnapshot.NoProducer) != (request.ProducerEpoch == TransactionSnapshot.NoEpoch);
        if (id.Length == 0 || isHalf)
        {
            return new InitProducerIdResponse { ErrorCode = ErrorCode.InvalidRequest, ProducerId = -1, ProducerEpoch = -1 };
        }
        long freshId = await FreshIdAsync(id, newProducerId).ConfigureAwait(false);
        ProducerResult result = await AskAsync(
            id,
            (shard, call, now, effects) => shard.InitProducer(id, request.TransactionTimeoutMs, request.ProducerId, request.ProducerEpoch, freshId, call, now, effects)).ConfigureAwait(false);
        return new InitProducerIdResponse { ErrorCode = ForClient(result.Error, caller.ApiVersion >= InitKnowsFenced), ProducerId = result.ProducerId, ProducerEpoch = result.Epoch };
    }

    /// <summary>Versions 0 to 5. Nothing is added for a transaction that names a partition which does not exist.</summary>
    public async ValueTask<AddPartitionsToTxnResponse> AddPartitionsAsync(AddPartitionsToTxnRequest request, Func<TopicPartition, bool> exists, CallerInfo caller)
    {
        bool knowsFenced = caller.ApiVersion >= OthersKnowFenced;
        if (caller.ApiVersion < AddIsBatched)
        {
            return new AddPartitionsToTxnResponse
            {
                ResultsByTopicV3AndBelow = await AddAsync(
                    request.V3AndBelowTransactionalId, request.V3AndBelowProducerId, request.V3AndBelowProducerEpoch, request.V3AndBelowTopics, 0, exists, knowsFenced).ConfigureAwait(false),
            };
        }
        List<AddPartitionsToTxnResponse.AddPartitionsToTxnResult> results = [];
        foreach (AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction asked in request.Transactions.ToArray())
        {
            List<AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult> topics = asked.VerifyOnly
                ? await VerifyAsync(asked).ConfigureAwait(false)
                : await AddAsync(asked.TransactionalId, asked.ProducerId, asked.ProducerEpoch, asked.Topics, BumpsEpoch, exists, knowsFenced).ConfigureAwait(false);
            results.Add(new AddPartitionsToTxnResponse.AddPartitionsToTxnResult { TransactionalId = asked.TransactionalId, TopicResults = topics });
        }
        return new AddPartitionsToTxnResponse { ResultsByTransaction = results };
    }

    /// <summary>Versions 0 to 4. <paramref name="offsetsPartition"/> is the partition of __consumer_offsets that keeps the group.</summary>
    public async ValueTask<AddOffsetsToTxnResponse> AddOffsetsAsync(AddOffsetsToTxnRequest request, int offsetsPartition, CallerInfo caller)
    {
        ErrorCode error = await AddAsync(
            request.TransactionalId, request.ProducerId, request.ProducerEpoch, [new TopicPartition(GroupCoordinator.Topic, offsetsPartition)], clientVersion: 0).ConfigureAwait(false);
        return new AddOffsetsToTxnResponse { ErrorCode = ForClient(error, caller.ApiVersion >= OthersKnowFenced) };
    }

    /// <summary>Versions 0 to 5; from version 5 on every end gives the epoch of the next transaction.</summary>
    public async ValueTask<EndTxnResponse> EndAsync(EndTxnRequest request, Func<ValueTask<long>> newProducerId, CallerInfo caller)
    {
        string id = request.TransactionalId;
        short clientVersion = caller.ApiVersion >= EndGivesEpoch ? BumpsEpoch : (short)0;
        long freshId = clientVersion >= BumpsEpoch ? await FreshIdAsync(id, newProducerId).ConfigureAwait(false) : TransactionSnapshot.NoProducer;
        ProducerResult result = await AskAsync(
            id,
            (shard, call, now, effects) => shard.End(id, request.ProducerId, request.ProducerEpoch, request.Committed, clientVersion, freshId, call, now, effects)).ConfigureAwait(false);
        return new EndTxnResponse { ErrorCode = ForClient(result.Error, caller.ApiVersion >= OthersKnowFenced), ProducerId = result.ProducerId, ProducerEpoch = result.Epoch };
    }

    /// <summary>Whether the partition belongs to the producer's open transaction: None, TransactionAbortable when it does not, or why nobody can say.</summary>
    public async ValueTask<ErrorCode> VerifyAsync(string transactionalId, long producerId, short epoch, TopicPartition partition) => (await AskAsync(
        transactionalId,
        (shard, call, now, effects) => shard.AddPartitions(transactionalId, producerId, epoch, [partition], verifyOnly: true, 0, call, now, effects)).ConfigureAwait(false)).Error;

    /// <summary>Adds partitions on behalf of a producer that speaks transaction.version 2 and leaves that to those it writes to.</summary>
    public ValueTask<ErrorCode> AddAsync(string transactionalId, long producerId, short epoch, IReadOnlyCollection<TopicPartition> partitions) =>
        AddAsync(transactionalId, producerId, epoch, partitions, BumpsEpoch);

    private async ValueTask<ErrorCode> AddAsync(string id, long producerId, short epoch, IReadOnlyCollection<TopicPartition> partitions, short clientVersion) => (await AskAsync(
        id,
        (shard, call, now, effects) => shard.AddPartitions(id, producerId, epoch, partitions, verifyOnly: false, clientVersion, call, now, effects)).ConfigureAwait(false)).Error;

    private async ValueTask<List<AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult>> AddAsync(
        string id, long producerId, short epoch, WireArray<AddPartitionsToTxnRequest.AddPartitionsToTxnTopic> topics, short clientVersion, Func<TopicPartition, bool> exists, bool knowsFenced)
    {
        HashSet<TopicPartition> partitions = [];
        bool isComplete = true;
        foreach (AddPartitionsToTxnRequest.AddPartitionsToTxnTopic topic in topics)
        {
            foreach (int index in topic.Partitions)
            {
                var partition = new TopicPartition(topic.Name, index);
                bool isThere = exists(partition);
                isComplete &= isThere;
                if (isThere)
                {
                    partitions.Add(partition);
                }
            }
        }
        ErrorCode error = isComplete ? ForClient(await AddAsync(id, producerId, epoch, partitions, clientVersion).ConfigureAwait(false), knowsFenced) : ErrorCode.OperationNotAttempted;
        return Answer(topics, partition => partitions.Contains(partition) ? error : ErrorCode.UnknownTopicOrPartition);
    }

    private async ValueTask<List<AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult>> VerifyAsync(AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction asked)
    {
        Dictionary<TopicPartition, ErrorCode> errors = [];
        foreach (AddPartitionsToTxnRequest.AddPartitionsToTxnTopic topic in asked.Topics.ToArray())
        {
            foreach (int index in topic.Partitions.ToArray())
            {
                var partition = new TopicPartition(topic.Name, index);
                errors[partition] = await VerifyAsync(asked.TransactionalId, asked.ProducerId, asked.ProducerEpoch, partition).ConfigureAwait(false);
            }
        }
        return Answer(asked.Topics, partition => errors[partition]);
    }

    private static List<AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult> Answer(
        WireArray<AddPartitionsToTxnRequest.AddPartitionsToTxnTopic> topics, Func<TopicPartition, ErrorCode> error)
    {
        List<AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult> results = [];
        foreach (AddPartitionsToTxnRequest.AddPartitionsToTxnTopic topic in topics)
        {
            List<AddPartitionsToTxnResponse.AddPartitionsToTxnPartitionResult> partitions = [];
            foreach (int index in topic.Partitions)
            {
                partitions.Add(new() { PartitionIndex = index, PartitionErrorCode = error(new TopicPartition(topic.Name, index)) });
            }
            results.Add(new() { Name = topic.Name, ResultsByPartition = partitions });
        }
        return results;
    }

    /// <summary>An unused producer id when the next step of the transactional id will take one, else -1. Reserving one at every end would use up blocks for nothing.</summary>
    private async ValueTask<long> FreshIdAsync(string id, Func<ValueTask<long>> newProducerId)
    {
        bool isNeeded = false;
        if (!TryRoute(id, out CoordinatorPartition<TransactionShard>? partition) || partition.Read(shard => isNeeded = shard.NeedsFreshId(id)) != ErrorCode.None)
        {
            return TransactionSnapshot.NoProducer;
        }
        return isNeeded ? await newProducerId().ConfigureAwait(false) : TransactionSnapshot.NoProducer;
    }

    /// <summary>Clients from before Kafka 2.7 do not know PRODUCER_FENCED and take an invalid epoch for the same.</summary>
    private static ErrorCode ForClient(ErrorCode error, bool knowsFenced) => error == ErrorCode.ProducerFenced && !knowsFenced ? ErrorCode.InvalidProducerEpoch : error;
}
