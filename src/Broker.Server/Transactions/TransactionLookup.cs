using Broker.Cluster;
using Broker.Coordination;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>Questions of this broker, as leader of partitions, to the coordinator of a transaction, wherever that is (AddPartitionsToTxn v4). Thread-safe.</summary>
internal sealed class TransactionLookup(BrokerServices services)
{
    private const short Version = 4;

    /// <summary>Whether the partition belongs to the transaction.</summary>
    public ValueTask<ErrorCode> VerifyAsync(string transactionalId, long producerId, short epoch, TopicPartition partition) => RemoteCoordinator(transactionalId) is { } coordinator
        ? AskAsync(coordinator, transactionalId, producerId, epoch, [partition], verifyOnly: true)
        : services.Transactions.VerifyAsync(transactionalId, producerId, epoch, partition);

    /// <summary>Adds partitions for a producer that does not do so itself.</summary>
    public ValueTask<ErrorCode> AddAsync(string transactionalId, long producerId, short epoch, IReadOnlyCollection<TopicPartition> partitions) =>
        RemoteCoordinator(transactionalId) is { } coordinator
            ? AskAsync(coordinator, transactionalId, producerId, epoch, partitions, verifyOnly: false)
            : services.Transactions.AddAsync(transactionalId, producerId, epoch, partitions);

    /// <summary>Null when it is this broker, or nobody knows: then the coordinator here says what is wrong.</summary>
    private int? RemoteCoordinator(string transactionalId)
    {
        if (!services.Cluster.IsShared || services.Metadata.Current.Topic(InternalTopics.TransactionState) is not { Partitions.Count: > 0 } state)
        {
            return null;
        }

        int leader = state.Partitions[CoordinatorKey.PartitionFor(transactionalId, state.Partitions.Count)].Leader;
        return leader < 0 || leader == services.BrokerId ? null : leader;
    }

    private async ValueTask<ErrorCode> AskAsync(
        int coordinator, string transactionalId, long producerId, short epoch, IReadOnlyCollection<TopicPartition> partitions, bool verifyOnly)
    {
        var request = new AddPartitionsToTxnRequest
        {
            Transactions =
            [
                new AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction
                {
                    TransactionalId = transactionalId,
                    ProducerId = producerId,
                    ProducerEpoch = epoch,
                    VerifyOnly = verifyOnly,
                    Topics = partitions.GroupBy(p => p.Topic, StringComparer.Ordinal)
                        .Select(topic => new AddPartitionsToTxnRequest.AddPartitionsToTxnTopic { Name = topic.Key, Partitions = topic.Select(p => p.Partition).ToArray() }).ToArray(),
                },
            ],
        };
        AddPartitionsToTxnResponse? answer =
            await services.Cluster.Peers.AskAsync<AddPartitionsToTxnResponse>(coordinator, ApiKey.AddPartitionsToTxn, Version, request, CancellationToken.None).ConfigureAwait(false);
        if (answer is null)
        {
            return ErrorCode.CoordinatorNotAvailable;
        }

        if (answer.ErrorCode != ErrorCode.None)
        {
            return answer.ErrorCode;
        }

        foreach (AddPartitionsToTxnResponse.AddPartitionsToTxnResult transaction in answer.ResultsByTransaction)
        {
            foreach (AddPartitionsToTxnResponse.AddPartitionsToTxnTopicResult topic in transaction.TopicResults)
            {
                foreach (AddPartitionsToTxnResponse.AddPartitionsToTxnPartitionResult partition in topic.ResultsByPartition)
                {
                    if (partition.PartitionErrorCode != ErrorCode.None)
                    {
                        return partition.PartitionErrorCode;
                    }
                }
            }
        }

        return ErrorCode.None;
    }
}
