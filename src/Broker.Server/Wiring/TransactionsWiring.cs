using Broker.Cluster;
using Broker.Configuration;
using Broker.Coordination;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>The transaction coordinator between the partitions of __transaction_state and those that transactions write to.</summary>
internal static class TransactionsWiring
{
    public static TransactionCoordinator Create(
        ConfigStore config, MetadataStore metadata, ReplicaManager replicas, ITransactionMarkers markers, TimeProvider time, ILoggerFactory loggers)
    {
        var log = new CoordinatorLog(InternalTopics.TransactionState, replicas, metadata, () => config.Current.Get(ConfigKeys.OffsetsCommitTimeoutMs));
        TransactionSettings settings = TransactionSettings.From(config.Current) with
        {
            ValueVersion = () => metadata.Current.FeatureLevels.GetValueOrDefault(ClusterFeatures.TransactionVersion) >= 1 ? (short)1 : (short)0,
        };
        var transactions = new TransactionCoordinator(
            log, markers, settings, config.Current.Get(ConfigKeys.TransactionStateLogLoadBufferSize), time, loggers);
        replicas.OnLeader((partition, leaderEpoch) =>
        {
            if (partition.Topic == InternalTopics.TransactionState)
            {
                // Loads on the thread pool and logs its own failures; requests meanwhile are told that it is under way.
                _ = transactions.LoadAsync(partition.Partition, leaderEpoch);
            }
        });
        replicas.OnStopped(partitions =>
        {
            foreach (TopicPartition partition in partitions)
            {
                if (partition.Topic == InternalTopics.TransactionState)
                {
                    _ = transactions.UnloadAsync(partition.Partition, int.MaxValue);
                }
            }
        });
        return transactions;
    }
}
