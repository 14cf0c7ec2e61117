using Broker.Coordination;
using Broker.Network;
using Broker.Protocol;

namespace Broker.Server;

/// <summary>What a handler may know about the request besides its body: who sent it, on which listener, in which version.</summary>
internal sealed class RequestContext(ClientConnection connection, RequestHeader header)
{
    public ClientConnection Connection { get; } = connection;

    public ApiKey ApiKey { get; } = header.ApiKey;

    public short ApiVersion { get; } = header.ApiVersion;

    public int CorrelationId { get; } = header.CorrelationId;

    /// <summary>The client's own name for itself; empty when it sent null.</summary>
    public string ClientId { get; } = header.ClientId;

    /// <summary>The listener the request came in on: Metadata answers with the endpoints of the same listener.</summary>
    public string ListenerName => Connection.ListenerName;

    /// <summary>The peer's address in the form Kafka shows it: a slash and the IP address.</summary>
    public string ClientHost => Connection.ClientHost;

    /// <summary>The same facts as coordinators want them.</summary>
    public CallerInfo Caller => new(ClientId, ClientHost, ApiVersion);
}
