using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>DescribeTransactions (key 65): state, age and partitions of transactional ids that are coordinated here (KIP-664).</summary>
internal sealed class DescribeTransactionsHandler(BrokerServices services) : ApiHandler<DescribeTransactionsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DescribeTransactions, 0, 0);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, DescribeTransactionsRequest request) =>
        Ready(services.Transactions.Describe(request));
}
