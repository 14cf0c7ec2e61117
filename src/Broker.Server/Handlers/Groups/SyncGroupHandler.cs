using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>SyncGroup (key 14): hands the leader's assignment to the members, waiting for it. v3 static members, v5 checks the protocol.</summary>
internal sealed class SyncGroupHandler(BrokerServices services) : ApiHandler<SyncGroupRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.SyncGroup, 0, 5);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, SyncGroupRequest request) =>
        await services.Groups.SyncGroupAsync(request, context.Caller).ConfigureAwait(false);
}
