using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// What this broker asks of the controller, whoever that is: beside it in this process, or behind a connection.
/// </summary>
internal sealed class ControllerLink(int brokerId, ClusterController own, MetadataStore metadata, PeerLinks peers)
{
    /// <summary>Null when the controller could not be asked: the caller tries again.</summary>
    public async ValueTask<AlterPartitionResponse?> AlterPartitionAsync(AlterPartitionRequest request, CancellationToken stop) =>
        own.IsActive
            ? await OwnAsync(() => own.AlterPartitionAsync(request)).ConfigureAwait(false)
            : await AskAsync<AlterPartitionResponse>(ApiKey.AlterPartition, 3, request, stop).ConfigureAwait(false);

    /// <summary>Null when there is no controller to ask now.</summary>
    public async ValueTask<ProducerIdBlock?> AllocateProducerIdsAsync()
    {
        if (own.IsActive || metadata.Current.ControllerId == brokerId)
        {
            return await OwnAsync(() => own.AllocateProducerIdBlockAsync()).ConfigureAwait(false);
        }

        var request = new AllocateProducerIdsRequest { BrokerId = brokerId, BrokerEpoch = own.BrokerEpoch };
        AllocateProducerIdsResponse? answer = await AskAsync<AllocateProducerIdsResponse>(ApiKey.AllocateProducerIds, 0, request, CancellationToken.None).ConfigureAwait(false);
        return answer is { ErrorCode: ErrorCode.None } ? new ProducerIdBlock(answer.ProducerIdStart, answer.ProducerIdStart + answer.ProducerIdLen - 1) : null;
    }

    /// <summary>Has a topic made by the controller. Null when it could not be asked.</summary>
    public async ValueTask<CreateTopicResult?> CreateTopicAsync(NewTopic topic)
    {
        if (own.IsActive || metadata.Current.ControllerId == brokerId)
        {
            return (await OwnAsync(() => own.CreateTopicsAsync([topic], validateOnly: false)).ConfigureAwait(false))?[0];
        }

        var request = new CreateTopicsRequest
        {
            TimeoutMs = (int)peers.Timeout.TotalMilliseconds,
            Topics =
            [
                new CreateTopicsRequest.CreatableTopic
                {
                    Name = topic.Name,
                    NumPartitions = topic.PartitionCount ?? -1,
                    ReplicationFactor = topic.ReplicationFactor ?? -1,
                    Configs = topic.Configs.Select(c => new CreateTopicsRequest.CreatableTopicConfig { Name = c.Key, Value = c.Value }).ToArray(),
                },
            ],
        };
        CreateTopicsResponse? answer = await AskAsync<CreateTopicsResponse>(ApiKey.CreateTopics, 7, request, CancellationToken.None).ConfigureAwait(false);
        foreach (CreateTopicsResponse.CreatableTopicResult result in answer?.Topics ?? default)
        {
            return new CreateTopicResult(result.Name, result.ErrorCode, result.ErrorMessage, result.TopicId, result.NumPartitions, result.ReplicationFactor, topic.Configs);
        }

        return null;
    }

    /// <summary>Partitions that only this broker can lead; null when the controller could not be asked.</summary>
    public async ValueTask<int?> ControlledShutdownAsync(CancellationToken stop)
    {
        if (own.IsActive)
        {
            return (await OwnAsync(() => own.ControlledShutdownAsync(brokerId, own.BrokerEpoch)).ConfigureAwait(false))?.Count;
        }

        var request = new ControlledShutdownRequest { BrokerId = brokerId, BrokerEpoch = own.BrokerEpoch };
        ControlledShutdownResponse? answer = await AskAsync<ControlledShutdownResponse>(ApiKey.ControlledShutdown, 3, request, stop).ConfigureAwait(false);
        return answer is { ErrorCode: ErrorCode.None } ? answer.RemainingPartitions.Count : null;
    }

    /// <summary>Null when the tree cannot be reached, or the office is gone: as if another broker had not answered. The controller has logged why.</summary>
    private static async ValueTask<T?> OwnAsync<T>(Func<Task<T>> ask)
        where T : class
    {
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (Exception e) when (e is CoordinationException { Error: not CoordinationError.StoreFailed } or NotControllerException)
        {
            return null;
        }
    }

    private ValueTask<T?> AskAsync<T>(ApiKey api, short version, IMessage request, CancellationToken stop)
        where T : class, IMessage =>
        peers.AskAsync<T>(metadata.Current.ControllerId, api, version, request, stop);
}
