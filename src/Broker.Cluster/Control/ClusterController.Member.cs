using System.Collections.Immutable;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Cluster;

/// <summary>What another broker that is the controller tells this one: LeaderAndIsr, StopReplica, UpdateMetadata.</summary>
public sealed partial class ClusterController
{
    // The largest controller epoch heard of, our own included: older controllers are refused.
    private int _knownEpoch = -1;

    // Far more than any topic has; the image numbers partitions without gaps, so that a larger one would only fill memory.
    private const int MaxPartitionIndex = 1_000_000;

    public Task<LeaderAndIsrResponse> LeaderAndIsrAsync(LeaderAndIsrRequest request) => Enqueue(async () =>
    {
        ErrorCode refusal = Hear(request.ControllerId, request.ControllerEpoch, request.BrokerEpoch);
        if (refusal != ErrorCode.None)
        {
            return new LeaderAndIsrResponse { ErrorCode = refusal };
        }

        var results = new List<LeaderAndIsrResponse.LeaderAndIsrTopicError>();
        foreach (LeaderAndIsrRequest.LeaderAndIsrTopicState state in request.TopicStates)
        {
            var partitions = new List<PartitionImage>();
            foreach (LeaderAndIsrRequest.LeaderAndIsrPartitionState p in state.PartitionStates)
            {
                CheckIndex(p.PartitionIndex, state.TopicName);
                partitions.Add(new PartitionImage(p.PartitionIndex, p.Leader, p.LeaderEpoch, p.PartitionEpoch, p.Replicas.ToArray(), p.Isr.ToArray(), [])
                {
                    Adding = p.AddingReplicas.ToArray(),
                    Removing = p.RemovingReplicas.ToArray(),
                });
            }

            TopicImage topic = await NamedAsync(state.TopicName, state.TopicId).ConfigureAwait(false);
            await _host.ApplyLeaderAndIsrAsync(topic, partitions).ConfigureAwait(false);
            results.Add(new()
            {
                TopicId = state.TopicId,
                PartitionErrors = partitions.Select(p => new LeaderAndIsrResponse.LeaderAndIsrPartitionError
                {
                    PartitionIndex = p.Index,
                    ErrorCode = _host.IsOffline(new TopicPartition(topic.Name, p.Index)) ? ErrorCode.KafkaStorageError
                        : _host.IsOfAnotherTopic(new TopicPartition(topic.Name, p.Index)) ? ErrorCode.InconsistentTopicId
                        : ErrorCode.None,
                }).ToArray(),
            });
        }

        return new LeaderAndIsrResponse { Topics = results };
    });

    public Task<StopReplicaResponse> StopReplicaAsync(StopReplicaRequest request) => Enqueue(async () =>
    {
        ErrorCode refusal = Hear(request.ControllerId, request.ControllerEpoch, request.BrokerEpoch);
        if (refusal != ErrorCode.None)
        {
            return new StopReplicaResponse { ErrorCode = refusal };
        }

        var results = new List<StopReplicaResponse.StopReplicaPartitionError>();
        var stop = new Dictionary<bool, List<TopicPartition>> { [false] = [], [true] = [] };
        foreach (StopReplicaRequest.StopReplicaTopicState topic in request.TopicStates)
        {
            foreach (StopReplicaRequest.StopReplicaPartitionState partition in topic.PartitionStates)
            {
                stop[partition.DeletePartition].Add(new TopicPartition(topic.TopicName, partition.PartitionIndex));
                results.Add(new() { TopicName = topic.TopicName, PartitionIndex = partition.PartitionIndex });
            }
        }

        foreach ((bool delete, List<TopicPartition> partitions) in stop)
        {
            if (partitions.Count > 0)
            {
                await _host.StopReplicasAsync(partitions, delete).ConfigureAwait(false);
            }
        }

        return new StopReplicaResponse { PartitionErrors = results };
    });

    public Task<UpdateMetadataResponse> UpdateMetadataAsync(UpdateMetadataRequest request) => Enqueue(async () =>
    {
        ErrorCode refusal = Hear(request.ControllerId, request.ControllerEpoch, request.BrokerEpoch);
        if (refusal != ErrorCode.None)
        {
            return new UpdateMetadataResponse { ErrorCode = refusal };
        }

        MetadataImage next = Image with { ControllerId = request.ControllerId, Brokers = Live(request) };
        foreach (UpdateMetadataRequest.UpdateMetadataTopicState topic in request.TopicStates)
        {
            next = await WithAsync(next, topic).ConfigureAwait(false);
        }

        Swap(next);
        if (!_informed.Task.IsCompleted && await IsWholeAsync(request, next).ConfigureAwait(false))
        {
            _informed.TrySetResult();
        }

        return new UpdateMetadataResponse();
    });

    /// <summary>Whether a first picture is all of it: a broker that has just come is told who is alive before it is told of the topics.</summary>
    private async ValueTask<bool> IsWholeAsync(UpdateMetadataRequest request, MetadataImage image)
    {
        if (request.TopicStates.Count > 0)
        {
            return true;
        }

        foreach (string name in await _tree.ChildrenAsync(ZnodePaths.BrokerTopics).ConfigureAwait(false))
        {
            // The controller passes over topics that are deleted and nodes that cannot be read.
            if (image.Topic(name) is null && await _tree.ExistsAsync(ZnodePaths.DeleteTopic(name)).ConfigureAwait(false) is null
                && await TryGetAsync(_tree, ZnodePaths.Topic(name)).ConfigureAwait(false) is { } node && IsReadable(name, node.Data))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsReadable(string topic, byte[] data)
    {
        try
        {
            TopicZnode.Decode(topic, data);
            return true;
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }

    private ErrorCode Hear(int controller, int epoch, long brokerEpoch)
    {
        if (epoch < _knownEpoch)
        {
            return ErrorCode.StaleControllerEpoch;
        }

        if (brokerEpoch >= 0 && brokerEpoch < BrokerEpoch)
        {
            return ErrorCode.StaleBrokerEpoch;
        }

        if (_isActive && controller != Self)
        {
            Resign();
        }

        _knownEpoch = epoch;
        return ErrorCode.None;
    }

    private static void CheckIndex(int partition, string topic)
    {
        if (partition is < 0 or > MaxPartitionIndex)
        {
            throw new ProtocolException($"There can be no partition {partition} of topic {topic}");
        }
    }

    private static BrokerImage[] Live(UpdateMetadataRequest request)
    {
        var brokers = new List<BrokerImage>();
        foreach (UpdateMetadataRequest.UpdateMetadataBroker broker in request.LiveBrokers)
        {
            var endpoints = new Dictionary<string, EndpointImage>(StringComparer.Ordinal);
            foreach (UpdateMetadataRequest.UpdateMetadataEndpoint endpoint in broker.Endpoints)
            {
                endpoints[endpoint.Listener] = new EndpointImage(endpoint.Host, endpoint.Port, SecurityProtocols.Name(endpoint.SecurityProtocol));
            }

            // The epoch is not told; only a controller needs it, and it reads the registrations.
            brokers.Add(new BrokerImage(broker.Id, -1, broker.Rack, endpoints));
        }

        brokers.Sort((a, b) => a.Id.CompareTo(b.Id));
        return [.. brokers];
    }

    private async Task<MetadataImage> WithAsync(MetadataImage image, UpdateMetadataRequest.UpdateMetadataTopicState state)
    {
        TopicImage topic = await NamedAsync(state.TopicName, state.TopicId).ConfigureAwait(false);
        ImmutableArray<PartitionImage>.Builder partitions = (image.Topic(topic.Name) is { } known && known.Id == topic.Id ? known.PartitionArray : []).ToBuilder();
        foreach (UpdateMetadataRequest.UpdateMetadataPartitionState p in state.PartitionStates)
        {
            if (p.Leader == DeletionEpoch)
            {
                _host.OnTopicDeleted(topic.Name);
                return image.Topic(topic.Name) is { } gone ? image.Without(gone) : image;
            }

            CheckIndex(p.PartitionIndex, topic.Name);

            // The image numbers partitions without gaps; what a later request will tell has no leader until then.
            while (partitions.Count <= p.PartitionIndex)
            {
                partitions.Add(new PartitionImage(partitions.Count, PartitionElection.NoLeader, 0, 0, [], [], []));
            }

            if (topic.Id != Guid.Empty && p.ZkVersion < partitions[p.PartitionIndex].PartitionEpoch)
            {
                // On a connection that the controller gave up the system may go on sending, and be overtaken by what came on the next.
                continue;
            }

            partitions[p.PartitionIndex] = new PartitionImage(
                p.PartitionIndex, p.Leader, p.LeaderEpoch, p.ZkVersion, p.Replicas.ToArray(), p.Isr.ToArray(), p.OfflineReplicas.ToArray());
        }

        if (image.Topic(topic.Name) is { } older && older.Id != topic.Id)
        {
            image = image.Without(older);
        }

        return image.With(topic with { PartitionArray = partitions.ToImmutable() });
    }

    /// <summary>A topic with its configuration, which the controller does not tell: of one that is new here the tree is asked.</summary>
    /// <exception cref="ProtocolException">The name is none that a topic can have; directories are made from it.</exception>
    private async ValueTask<TopicImage> NamedAsync(string name, Guid id)
    {
        if (Image.Topic(name) is { } known && known.Id == id)
        {
            return known;
        }

        return TopicNames.Validate(name) is { } problem
            ? throw new ProtocolException(problem)
            : new TopicImage(name, id, [], await ReadTopicConfigAsync(_tree, name).ConfigureAwait(false));
    }
}
