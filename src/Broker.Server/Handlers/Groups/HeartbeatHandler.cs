using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>Heartbeat (key 12): keeps a member alive and tells it of rebalances. v3 static members.</summary>
internal sealed class HeartbeatHandler(BrokerServices services) : ApiHandler<HeartbeatRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.Heartbeat, 0, 4);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, HeartbeatRequest request) =>
        Ready(services.Groups.Heartbeat(request));
}
