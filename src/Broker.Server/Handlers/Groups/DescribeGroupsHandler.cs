using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>DescribeGroups (key 15): state and members of groups. v3 allowed operations, v4 static members.</summary>
internal sealed class DescribeGroupsHandler(BrokerServices services) : ApiHandler<DescribeGroupsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DescribeGroups, 0, 5);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, DescribeGroupsRequest request) =>
        Ready(services.Groups.DescribeGroups(request, context.Caller));
}
