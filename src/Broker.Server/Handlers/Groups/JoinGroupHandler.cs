using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>JoinGroup (key 11): enters a group, and waits until its members are together. v1 rebalance timeout, v4 member id round trip, v5 static members, v8 reason, v9 assignment may be skipped.</summary>
internal sealed class JoinGroupHandler(BrokerServices services) : ApiHandler<JoinGroupRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.JoinGroup, 0, 9);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, JoinGroupRequest request) =>
        await services.Groups.JoinGroupAsync(request, context.Caller).ConfigureAwait(false);
}
