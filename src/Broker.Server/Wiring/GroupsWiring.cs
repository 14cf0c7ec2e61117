using Broker.Cluster;
using Broker.Configuration;
using Broker.Coordination;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>The group coordinator between the partitions of __consumer_offsets and the life of topics.</summary>
internal static class GroupsWiring
{
    public static GroupCoordinator Create(ConfigStore config, MetadataStore metadata, ReplicaManager replicas, TimeProvider time, ILoggerFactory loggers)
    {
        var log = new CoordinatorLog(InternalTopics.ConsumerOffsets, replicas, metadata, () => config.Current.Get(ConfigKeys.OffsetsCommitTimeoutMs));
        var groups = new GroupCoordinator(log, GroupCoordinatorOptions.From(config.Current), topic => metadata.Current.Topic(topic) is not null, time, loggers);
        replicas.OnLeader((partition, leaderEpoch) =>
        {
            if (partition.Topic == InternalTopics.ConsumerOffsets)
            {
                // Loads on the thread pool and logs its own failures; requests meanwhile are told that it is under way.
                _ = groups.LoadAsync(partition.Partition, leaderEpoch);
            }
        });
        replicas.OnStopped(partitions =>
        {
            foreach (TopicPartition partition in partitions)
            {
                if (partition.Topic == InternalTopics.ConsumerOffsets)
                {
                    _ = groups.UnloadAsync(partition.Partition, int.MaxValue);
                }
            }
        });

        // Not when replicas are deleted: they may only have moved to other brokers.
        replicas.OnDeleted(topic => groups.OnTopicsDeleted([topic]));
        return groups;
    }
}
