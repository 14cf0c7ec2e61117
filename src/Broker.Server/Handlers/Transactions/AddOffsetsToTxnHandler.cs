using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>AddOffsetsToTxn (key 25): adds the partition that keeps a group's offsets to a transaction. v2 may answer PRODUCER_FENCED.</summary>
internal sealed class AddOffsetsToTxnHandler(BrokerServices services) : ApiHandler<AddOffsetsToTxnRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.AddOffsetsToTxn, 0, 4);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, AddOffsetsToTxnRequest request)
    {
        // A producer may get here before any consumer has asked for the group's coordinator.
        _ = await services.AutoCreation.EnsureInternalAsync(InternalTopics.ConsumerOffsets).ConfigureAwait(false);
        int partition = services.Groups.PartitionFor(request.GroupId);
        return partition < 0
            ? new AddOffsetsToTxnResponse { ErrorCode = ErrorCode.CoordinatorNotAvailable }
            : await services.Transactions.AddOffsetsAsync(request, partition, context.Caller).ConfigureAwait(false);
    }
}
