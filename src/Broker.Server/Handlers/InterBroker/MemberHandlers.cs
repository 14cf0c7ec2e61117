using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>LeaderAndIsr (key 4): which partitions to lead and which to follow. v5 topic ids, v6 recovery state, v7 mark of a KRaft controller.</summary>
internal sealed class LeaderAndIsrHandler(BrokerServices services) : InterBrokerHandler<LeaderAndIsrRequest>(services)
{
    public static readonly ApiSupport Supports = new(ApiKey.LeaderAndIsr, 5, 7);

    protected override async ValueTask<IMessage> AnswerAsync(LeaderAndIsrRequest request) => await Controller.LeaderAndIsrAsync(request).ConfigureAwait(false);
}

/// <summary>StopReplica (key 5): which replicas to give up. v3 says of each whether it is deleted.</summary>
internal sealed class StopReplicaHandler(BrokerServices services) : InterBrokerHandler<StopReplicaRequest>(services)
{
    public static readonly ApiSupport Supports = new(ApiKey.StopReplica, 3, 4);

    protected override async ValueTask<IMessage> AnswerAsync(StopReplicaRequest request) => await Controller.StopReplicaAsync(request).ConfigureAwait(false);
}

/// <summary>UpdateMetadata (key 6): the live brokers and the states of partitions. v7 topic ids.</summary>
internal sealed class UpdateMetadataHandler(BrokerServices services) : InterBrokerHandler<UpdateMetadataRequest>(services)
{
    public static readonly ApiSupport Supports = new(ApiKey.UpdateMetadata, 7, 8);

    protected override async ValueTask<IMessage> AnswerAsync(UpdateMetadataRequest request) => await Controller.UpdateMetadataAsync(request).ConfigureAwait(false);
}
