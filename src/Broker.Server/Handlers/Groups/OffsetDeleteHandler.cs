using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>OffsetDelete (key 47): removes committed offsets of topics the group does not consume.</summary>
internal sealed class OffsetDeleteHandler(BrokerServices services) : ApiHandler<OffsetDeleteRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.OffsetDelete, 0, 0);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, OffsetDeleteRequest request) =>
        await services.Groups.OffsetDeleteAsync(request).ConfigureAwait(false);
}
