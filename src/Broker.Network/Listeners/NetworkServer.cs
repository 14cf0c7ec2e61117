using System.Net;
using Microsoft.Extensions.Logging;

namespace Broker.Network;

/// <summary>The listeners and all their connections. Life: <see cref="BindAsync"/>, <see cref="StartAccepting"/>, <see cref="StopAsync"/>, dispose. Thread-safe.</summary>
public sealed class NetworkServer : IAsyncDisposable
{
    public NetworkServer(NetworkOptions options, IFrameHandler handler, TimeProvider time, ILoggerFactory loggers)
    {
        SocketRuntime.Configure();
    }

    /// <summary>Listener name -> the address really bound (with the port that the system chose where 0 was asked for).</summary>
    public IReadOnlyDictionary<string, IPEndPoint> BoundEndpoints => throw new NotImplementedException();

    public int ConnectionCount => throw new NotImplementedException();

    /// <summary>Binds every listener or none. Throws <see cref="ListenerBindException"/> with a message for the operator.</summary>
    public Task BindAsync() => throw new NotImplementedException();

    /// <summary>Begins to accept. Until then the system queues clients up to the backlog and nobody is answered.</summary>
    public void StartAccepting() => throw new NotImplementedException();

    /// <summary>Replaces the connection limits; open connections stay.</summary>
    public void UpdateConnectionLimits(ConnectionLimits limits) => throw new NotImplementedException();

    /// <summary>
    /// Stops accepting and takes no new frames, lets requests in work finish and their answers leave, then closes. What is not done after <paramref name="grace"/> is aborted.
    /// </summary>
    public Task StopAsync(TimeSpan grace) => throw new NotImplementedException();

    public ValueTask DisposeAsync() => new(StopAsync(TimeSpan.Zero));
}
