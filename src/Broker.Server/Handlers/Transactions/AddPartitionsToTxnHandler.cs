using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// AddPartitionsToTxn (key 24): adds partitions to an open transaction, or opens one. v2 may answer PRODUCER_FENCED; v4 is for brokers, takes several
/// transactions and can ask only (KIP-890).
/// </summary>
internal sealed class AddPartitionsToTxnHandler(BrokerServices services) : ApiHandler<AddPartitionsToTxnRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.AddPartitionsToTxn, 0, 5);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, AddPartitionsToTxnRequest request) =>
        await services.Transactions.AddPartitionsAsync(request, services.Metadata.Current.Has, context.Caller).ConfigureAwait(false);
}
