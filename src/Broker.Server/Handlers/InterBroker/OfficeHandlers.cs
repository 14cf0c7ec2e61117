using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>AlterPartition (key 56): a leader changes its ISR. v2 topic ids, v3 broker epochs.</summary>
internal sealed class AlterPartitionHandler(BrokerServices services) : InterBrokerHandler<AlterPartitionRequest>(services)
{
    public static readonly ApiSupport Supports = new(ApiKey.AlterPartition, 2, 3);

    protected override async ValueTask<IMessage> AnswerAsync(AlterPartitionRequest request) => await Controller.AlterPartitionAsync(request).ConfigureAwait(false);
}

/// <summary>ControlledShutdown (key 7): a broker asks to be relieved before it stops. v2 broker epoch.</summary>
internal sealed class ControlledShutdownHandler(BrokerServices services) : InterBrokerHandler<ControlledShutdownRequest>(services)
{
    public static readonly ApiSupport Supports = new(ApiKey.ControlledShutdown, 1, 3);

    protected override async ValueTask<IMessage> AnswerAsync(ControlledShutdownRequest request)
    {
        try
        {
            IReadOnlyList<TopicPartition> remaining = await Controller.ControlledShutdownAsync(request.BrokerId, request.BrokerEpoch).ConfigureAwait(false);
            return new ControlledShutdownResponse
            {
                RemainingPartitions = remaining.Select(p => new ControlledShutdownResponse.RemainingPartition { TopicName = p.Topic, PartitionIndex = p.Partition }).ToArray(),
            };
        }
        catch (NotControllerException)
        {
            return new ControlledShutdownResponse { ErrorCode = ErrorCode.NotController };
        }
        catch (StaleBrokerEpochException)
        {
            return new ControlledShutdownResponse { ErrorCode = ErrorCode.StaleBrokerEpoch };
        }
    }
}

/// <summary>AllocateProducerIds (key 67): a block of producer ids for a broker.</summary>
internal sealed class AllocateProducerIdsHandler(BrokerServices services) : InterBrokerHandler<AllocateProducerIdsRequest>(services)
{
    public static readonly ApiSupport Supports = new(ApiKey.AllocateProducerIds, 0, 0);

    protected override async ValueTask<IMessage> AnswerAsync(AllocateProducerIdsRequest request)
    {
        try
        {
            ProducerIdBlock block = await Controller.AllocateProducerIdBlockAsync(request.BrokerId).ConfigureAwait(false);
            return new AllocateProducerIdsResponse { ProducerIdStart = block.Start, ProducerIdLen = (int)(block.End - block.Start + 1) };
        }
        catch (NotControllerException)
        {
            return new AllocateProducerIdsResponse { ErrorCode = ErrorCode.NotController };
        }
    }
}
