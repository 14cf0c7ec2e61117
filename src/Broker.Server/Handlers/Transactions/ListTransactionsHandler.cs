using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>ListTransactions (key 66): lists the transactional ids coordinated here (KIP-664). v1 filters by duration.</summary>
internal sealed class ListTransactionsHandler(BrokerServices services) : ApiHandler<ListTransactionsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.ListTransactions, 0, 1);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, ListTransactionsRequest request) =>
        Ready(services.Transactions.List(request));
}
