using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>LeaveGroup (key 13): leaves a group. v3 several members at once, v5 reasons.</summary>
internal sealed class LeaveGroupHandler(BrokerServices services) : ApiHandler<LeaveGroupRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.LeaveGroup, 0, 5);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, LeaveGroupRequest request) =>
        Ready(services.Groups.LeaveGroup(request, context.Caller));
}
