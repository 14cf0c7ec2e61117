using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>ListGroups (key 16): lists the groups coordinated here. v4 filters by state, v5 by type.</summary>
internal sealed class ListGroupsHandler(BrokerServices services) : ApiHandler<ListGroupsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.ListGroups, 0, 5);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, ListGroupsRequest request) =>
        Ready(services.Groups.ListGroups(request));
}
