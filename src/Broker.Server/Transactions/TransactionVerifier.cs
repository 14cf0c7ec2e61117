using Broker.Cluster;
using Broker.Coordination;
using Broker.Protocol;
using Broker.Protocol.Messages;
using Broker.Protocol.Records;
using Broker.Storage;

namespace Broker.Server;

/// <summary>
/// Asks the coordinator, before the first batch of a transaction is appended to a partition, whether the partition belongs to the transaction (KIP-890): a
/// batch that comes after the transaction has ended would otherwise open one that nobody ends. Producers that speak transaction.version 2 do not add
/// partitions themselves; theirs are added here. Thread-safe.
/// </summary>
internal sealed class TransactionVerifier(BrokerServices services)
{
    private const short ProduceKnowsAbortable = 11;
    private const short ProduceAdds = 12;
    private const short CommitKnowsAbortable = 4;
    private const short CommitAdds = 5;
    private const int NoSequence = -1;

    private readonly TransactionLookup _coordinator = new(services);

    /// <summary>The batches of a Produce request that names a transactional id. Completes at once unless partitions are added.</summary>
    public async ValueTask<VerifiedBatches> VerifyAsync(ProduceRequest request, short version)
    {
        List<Question> questions = Questions(request, version);
        if (questions.Count == 0)
        {
            return VerifiedBatches.None;
        }

        var verified = new VerifiedBatches();
        string id = request.TransactionalId!;
        Question first = questions[0];
        bool isOneProducer = questions.TrueForAll(q => q.Header.ProducerId == first.Header.ProducerId && q.Header.ProducerEpoch == first.Header.ProducerEpoch);
        ErrorCode forAll = !isOneProducer ? ErrorCode.InvalidProducerIdMapping
            : version >= ProduceAdds ? await _coordinator.AddAsync(id, first.Header.ProducerId, first.Header.ProducerEpoch, questions.ConvertAll(q => q.Partition.TopicPartition)).ConfigureAwait(false)
            : ErrorCode.None;
        foreach (Question question in questions)
        {
            TopicPartition key = question.Partition.TopicPartition;
            ErrorCode answer = !isOneProducer || version >= ProduceAdds
                ? forAll
                : await _coordinator.VerifyAsync(id, question.Header.ProducerId, question.Header.ProducerEpoch, key).ConfigureAwait(false);
            verified.Add(key, Conclude(question, answer, version));
        }

        return verified;
    }

    /// <summary>The partition of __consumer_offsets that a group's offsets are committed to inside a transaction.</summary>
    public async ValueTask<CommitVerification> VerifyOffsetsAsync(TxnOffsetCommitRequest request, int offsetsPartition, short version)
    {
        var key = new TopicPartition(InternalTopics.ConsumerOffsets, offsetsPartition);
        bool adds = version >= CommitAdds;
        if (request.ProducerId < 0 || request.ProducerEpoch < 0)
        {
            return new CommitVerification(ErrorCode.InvalidProducerIdMapping, null);
        }

        if (!services.Replicas.TryGet(key, out Partition? partition))
        {
            return new CommitVerification(ErrorCode.NotCoordinator, null);
        }

        if ((!adds && !IsEnabled) || partition.Log.BeginVerification(request.ProducerId, request.ProducerEpoch, NoSequence) is not { } verification)
        {
            return default;
        }

        ErrorCode answer = adds
            ? await _coordinator.AddAsync(request.TransactionalId, request.ProducerId, request.ProducerEpoch, [key]).ConfigureAwait(false)
            : await _coordinator.VerifyAsync(request.TransactionalId, request.ProducerId, request.ProducerEpoch, key).ConfigureAwait(false);
        if (IsFinal(answer))
        {
            partition.Log.ForgetVerification(verification);
        }

        // As with Produce: a coordinator elsewhere that does not know the partition yet will.
        answer = answer is ErrorCode.UnknownTopicOrPartition or ErrorCode.OperationNotAttempted ? ErrorCode.CoordinatorNotAvailable : answer;
        return new CommitVerification(ForProducer(answer, version >= CommitKnowsAbortable), verification);
    }

    private bool IsEnabled => services.Config.Current.Get(Configuration.ConfigKeys.TransactionPartitionVerificationEnable);

    private List<Question> Questions(ProduceRequest request, short version)
    {
        List<Question> questions = [];
        if (version < ProduceAdds && !IsEnabled)
        {
            return questions;
        }

        foreach (ProduceRequest.TopicProduceData topic in request.TopicData)
        {
            foreach (ProduceRequest.PartitionProduceData data in topic.PartitionData)
            {
                // What is wrong with a partition or its records is for the append to say.
                if (!InternalTopics.IsInternal(topic.Name)
                    && RecordBatchHeader.TryRead(data.Records.Memory.Span, out RecordBatchHeader header) && header.IsTransactional && header.ProducerId >= 0
                    && services.Replicas.TryGet(new TopicPartition(topic.Name, data.Index), out Partition? partition)
                    && partition.CheckLeader(services.BrokerId, -1) == ErrorCode.None
                    && partition.Log.BeginVerification(header.ProducerId, header.ProducerEpoch, header.BaseSequence) is { } verification)
                {
                    questions.Add(new Question(partition, header, verification));
                }
            }
        }

        return questions;
    }

    private static VerifiedBatches.Verdict Conclude(in Question question, ErrorCode answer, short version)
    {
        if (answer == ErrorCode.None)
        {
            return new VerifiedBatches.Verdict(ErrorCode.None, null, question.Verification);
        }

        if (IsFinal(answer))
        {
            question.Partition.Log.ForgetVerification(question.Verification);
        }

        ErrorCode error = answer switch
        {
            // Common with transaction.version 2 while the markers of the transaction before are on their way; its producers wait for that.
            ErrorCode.ConcurrentTransactions when version >= ProduceAdds => answer,

            // Producers from before do not know these from Produce; this one makes them send the batch again.
            _ when !IsFinal(answer) => ErrorCode.NotEnoughReplicas,
            _ => ForProducer(answer, version >= ProduceKnowsAbortable),
        };
        return new VerifiedBatches.Verdict(error, $"The transaction of {question.Partition.TopicPartition} could not be confirmed by its coordinator ({answer})", null);
    }

    /// <summary>Fencing has an older name in answers to data; that a transaction can only be aborted is said to those who know the word.</summary>
    private static ErrorCode ForProducer(ErrorCode answer, bool knowsAbortable) => answer switch
    {
        ErrorCode.ProducerFenced => ErrorCode.InvalidProducerEpoch,
        ErrorCode.TransactionAbortable when !knowsAbortable => ErrorCode.InvalidTxnState,
        _ => answer,
    };

    /// <summary>False when the same batch may yet be confirmed: what was asked for stays on record then, so that a later batch does not overtake it.</summary>
    private static bool IsFinal(ErrorCode answer) => answer is not (ErrorCode.None or ErrorCode.ConcurrentTransactions or ErrorCode.CoordinatorLoadInProgress
        or ErrorCode.CoordinatorNotAvailable or ErrorCode.NotCoordinator
        // A coordinator elsewhere has not heard of the partition yet.
        or ErrorCode.UnknownTopicOrPartition or ErrorCode.OperationNotAttempted);

    private readonly record struct Question(Partition Partition, RecordBatchHeader Header, TransactionVerification Verification);
}
