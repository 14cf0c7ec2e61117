using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// EndTxn (key 26): commits or aborts. v2 may answer PRODUCER_FENCED; v5 gives the next transaction its own epoch (KIP-890), so that nothing delayed can end it.
/// </summary>
internal sealed class EndTxnHandler(BrokerServices services) : ApiHandler<EndTxnRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.EndTxn, 0, 5);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, EndTxnRequest request) =>
        await services.Transactions.EndAsync(request, services.ProducerIds.NextAsync, context.Caller).ConfigureAwait(false);
}
