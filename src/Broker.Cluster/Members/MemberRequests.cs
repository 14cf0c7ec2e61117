using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Cluster;

/// <summary>What the controller asks of a broker, as requests. Pure.</summary>
internal sealed class MemberRequests(int controllerId, int controllerEpoch, string interBrokerListener)
{
    private const int DeletedLeader = -2;

    /// <summary>Null when the broker hosts none of the partitions.</summary>
    public LeaderAndIsrRequest? LeaderAndIsr(MetadataImage image, BrokerImage target, IReadOnlyList<TopicChange> changes)
    {
        var topics = new List<LeaderAndIsrRequest.LeaderAndIsrTopicState>();
        var leaders = new SortedSet<int>();
        foreach (TopicChange change in changes)
        {
            var partitions = new List<LeaderAndIsrRequest.LeaderAndIsrPartitionState>();
            foreach (PartitionImage partition in change.Partitions)
            {
                if (partition.Replicas.Contains(target.Id))
                {
                    partitions.Add(Role(partition, change.IsNew || (partition.Adding.Contains(target.Id) && !partition.Isr.Contains(target.Id))));
                    leaders.Add(partition.Leader);
                }
            }

            if (partitions.Count > 0)
            {
                topics.Add(new() { TopicName = change.Topic.Name, TopicId = change.Topic.Id, PartitionStates = partitions });
            }
        }

        return topics.Count == 0 ? null : new LeaderAndIsrRequest
        {
            ControllerId = controllerId,
            ControllerEpoch = controllerEpoch,
            BrokerEpoch = target.Epoch,
            TopicStates = topics,
            LiveLeaders = LiveLeaders(image, leaders),
        };
    }

    public UpdateMetadataRequest UpdateMetadata(MetadataImage image, BrokerImage target, IReadOnlyList<TopicChange> changes) => new()
    {
        ControllerId = controllerId,
        ControllerEpoch = controllerEpoch,
        BrokerEpoch = target.Epoch,
        TopicStates = changes.Select(change => new UpdateMetadataRequest.UpdateMetadataTopicState
        {
            TopicName = change.Topic.Name,
            TopicId = change.Topic.Id,
            PartitionStates = change.Partitions.Select(p => State(p, p.Leader)).ToArray(),
        }).ToArray(),
        LiveBrokers = image.Brokers.Select(Live).ToArray(),
    };

    /// <summary>Takes a topic out of what a broker shows.</summary>
    public UpdateMetadataRequest Forget(MetadataImage image, BrokerImage target, TopicImage topic)
    {
        UpdateMetadataRequest request = UpdateMetadata(image, target, []);
        request.TopicStates =
        [
            new()
            {
                TopicName = topic.Name,
                TopicId = topic.Id,
                PartitionStates = topic.Partitions.Select(p => State(p, DeletedLeader)).ToArray(),
            },
        ];
        return request;
    }

    public StopReplicaRequest StopReplica(BrokerImage target, IEnumerable<(TopicPartition Partition, int LeaderEpoch)> partitions, bool delete) => new()
    {
        ControllerId = controllerId,
        ControllerEpoch = controllerEpoch,
        BrokerEpoch = target.Epoch,
        TopicStates = partitions.GroupBy(p => p.Partition.Topic, StringComparer.Ordinal).Select(topic => new StopReplicaRequest.StopReplicaTopicState
        {
            TopicName = topic.Key,
            PartitionStates = topic.Select(p => new StopReplicaRequest.StopReplicaPartitionState
            {
                PartitionIndex = p.Partition.Partition,
                LeaderEpoch = p.LeaderEpoch,
                DeletePartition = delete,
            }).ToArray(),
        }).ToArray(),
    };

    private LeaderAndIsrRequest.LeaderAndIsrPartitionState Role(PartitionImage partition, bool isNew) => new()
    {
        PartitionIndex = partition.Index,
        ControllerEpoch = controllerEpoch,
        Leader = partition.Leader,
        LeaderEpoch = partition.LeaderEpoch,
        Isr = partition.Isr,
        PartitionEpoch = partition.PartitionEpoch,
        Replicas = partition.Replicas,
        AddingReplicas = partition.Adding,
        RemovingReplicas = Array.FindAll(partition.Removing, partition.Replicas.Contains),
        IsNew = isNew,
    };

    private UpdateMetadataRequest.UpdateMetadataPartitionState State(PartitionImage partition, int leader) => new()
    {
        PartitionIndex = partition.Index,
        ControllerEpoch = controllerEpoch,
        Leader = leader,
        LeaderEpoch = partition.LeaderEpoch,
        Isr = partition.Isr,
        ZkVersion = partition.PartitionEpoch,
        Replicas = partition.Replicas,
        OfflineReplicas = partition.OfflineReplicas,
    };

    private LeaderAndIsrRequest.LeaderAndIsrLiveLeader[] LiveLeaders(MetadataImage image, SortedSet<int> leaders)
    {
        var live = new List<LeaderAndIsrRequest.LeaderAndIsrLiveLeader>();
        foreach (int leader in leaders)
        {
            if (image.Broker(leader)?.Endpoint(interBrokerListener) is { } endpoint)
            {
                live.Add(new() { BrokerId = leader, HostName = endpoint.Host, Port = endpoint.Port });
            }
        }

        return [.. live];
    }

    private static UpdateMetadataRequest.UpdateMetadataBroker Live(BrokerImage broker) => new()
    {
        Id = broker.Id,
        Rack = broker.Rack,
        Endpoints = broker.Endpoints.Select(e => new UpdateMetadataRequest.UpdateMetadataEndpoint
        {
            Listener = e.Key,
            Host = e.Value.Host,
            Port = e.Value.Port,
            SecurityProtocol = SecurityProtocols.Code(e.Value.SecurityProtocol),
        }).ToArray(),
    };
}
