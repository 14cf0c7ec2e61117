using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>DeleteGroups (key 42): removes empty groups with their offsets.</summary>
internal sealed class DeleteGroupsHandler(BrokerServices services) : ApiHandler<DeleteGroupsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DeleteGroups, 0, 2);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, DeleteGroupsRequest request) =>
        await services.Groups.DeleteGroupsAsync(request).ConfigureAwait(false);
}
