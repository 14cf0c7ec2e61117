using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>
/// What the controller tells a broker. Calls come one at a time, in the order of the decisions. The broker beside the controller implements it directly;
/// others are reached by LeaderAndIsr, StopReplica and UpdateMetadata requests.
/// </summary>
public interface IReplicaHost
{
    /// <summary>Makes this broker leader or follower of the partitions that name it. Completes when they are ready to serve.</summary>
    Task ApplyLeaderAndIsrAsync(TopicImage topic, IReadOnlyList<PartitionImage> partitions);

    /// <summary>Stops serving partitions and, with <paramref name="delete"/>, gives up their logs.</summary>
    Task StopReplicasAsync(IReadOnlyList<TopicPartition> partitions, bool delete);

    /// <summary>Whether a replica that this broker should host cannot be served because its log directory has failed.</summary>
    bool IsOffline(TopicPartition partition);

    /// <summary>True for a replica that is not hosted, because the log here belongs to another topic of the name.</summary>
    bool IsOfAnotherTopic(TopicPartition partition) => false;

    /// <summary>A topic is gone from the cluster, wherever its replicas were.</summary>
    void OnTopicDeleted(string topic);

    /// <summary>Called after the image was swapped.</summary>
    void OnMetadata(MetadataImage old, MetadataImage current);
}
