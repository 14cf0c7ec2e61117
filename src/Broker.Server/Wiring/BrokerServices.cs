using Broker.Cluster;
using Broker.Coordination;
using Broker.Protocol;

namespace Broker.Server;

/// <summary>What handlers work with. Made once by <see cref="BrokerServer"/>; every member is thread-safe.</summary>
internal sealed class BrokerServices
{
    public required int BrokerId { get; init; }

    public required ConfigStore Config { get; init; }

    public required MetadataStore Metadata { get; init; }

    public required ClusterController Controller { get; init; }

    public required ClusterWiring Cluster { get; init; }

    /// <summary>Another one after a session expired: not to be kept.</summary>
    public ICoordinationTree Tree => Controller.Tree;

    public required ReplicaManager Replicas { get; init; }

    public required GroupCoordinator Groups { get; init; }

    public required TransactionCoordinator Transactions { get; init; }

    public required TransactionMarkers Markers { get; init; }

    public required FetchSessionCache FetchSessions { get; init; }

    /// <summary>Null where consumers read from leaders only.</summary>
    public required ReplicaSelection? ReplicaSelection { get; init; }

    public required ProducerIdAllocator ProducerIds { get; init; }

    public required TopicAutoCreation AutoCreation { get; init; }

    public required TimeProvider Time { get; init; }

    /// <summary>Cancelled when the broker begins to stop, so that parked requests are answered at once.</summary>
    public required CancellationToken Stopping { get; init; }

    /// <summary>Why this broker, if it is the only one, can hold no new partition at present; null when it can.</summary>
    public string? WhyNoRoom() => Metadata.Current.Brokers.Count > 1 ? null : Replicas.Logs.WhyNoRoom();

    /// <summary>Why a partition is not served here: nobody has it, somebody else leads it, or its log finds no room.</summary>
    public ErrorCode UnknownOrNotLeader(string topic, int partition) =>
        Replicas.IsWithoutLog(new TopicPartition(topic, partition)) ? ErrorCode.KafkaStorageError
        : Metadata.Current.Has(new TopicPartition(topic, partition))
            ? ErrorCode.NotLeaderOrFollower
            : ErrorCode.UnknownTopicOrPartition;
}
