using System.Net;

namespace Broker.Network;

/// <summary>
/// One client connection as the layers above see it: who is at the other end, what they keep about it, and the way to end it.
/// Lives from accept to <see cref="IFrameHandler.OnClosed"/>. <see cref="Close"/> may be called from any thread; <see cref="State"/> belongs to the handler.
/// </summary>
public sealed class ClientConnection
{
    private Action<string>? _close;

    /// <summary>A connection without a transport, for callers inside the broker: <see cref="Close"/> does nothing.</summary>
    public ClientConnection(string id, string listenerName, IPEndPoint local, IPEndPoint remote)
    {
        Id = id;
        ListenerName = listenerName;
        Local = local;
        Remote = remote;
        ClientHost = "/" + remote.Address;
    }

    /// <summary>Unique for the life of the server, in Kafka's form: <c>localAddress:port-remoteAddress:port-number</c>.</summary>
    public string Id { get; }

    public string ListenerName { get; }

    public IPEndPoint Local { get; }

    /// <summary>An IPv4 client is shown with its IPv4 address, also on a dual-stack listener.</summary>
    public IPEndPoint Remote { get; }

    /// <summary>The client's address in the form that group descriptions carry: <c>/127.0.0.1</c>.</summary>
    public string ClientHost { get; }

    /// <summary>Whatever the handler keeps per connection (session, principal, negotiated client software).</summary>
    public object? State { get; set; }

    /// <summary>Ends the connection at once; answers not yet sent are dropped. The reason goes to the log.</summary>
    public void Close(string reason) => _close?.Invoke(reason);

    internal void BindClose(Action<string> close) => _close = close;
}
