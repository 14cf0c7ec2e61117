using Broker.Cluster;

namespace Broker.Server;

/// <summary>The connection to a broker that may fail or move: made when it is needed, and anew after a failure or when the end point is another one. For one user at a time.</summary>
internal sealed class PeerLink(PeerOptions options, string clientId, TimeSpan timeout, bool reusesMemory = false) : IDisposable
{
    private PeerConnection? _connection;
    private EndpointImage? _endpoint;

    public bool IsConnectedTo(EndpointImage endpoint) => _connection is not null && _endpoint == endpoint;

    public async ValueTask<PeerConnection> ConnectAsync(EndpointImage endpoint, CancellationToken stop)
    {
        if (!IsConnectedTo(endpoint))
        {
            Disconnect();
            _connection = await PeerConnection.ConnectAsync(endpoint, clientId, options.MaxFrameBytes, timeout, stop, reusesMemory).ConfigureAwait(false);
            _endpoint = endpoint;
        }

        return _connection!;
    }

    /// <summary>After a failure: the connection is of no more use.</summary>
    public void Disconnect()
    {
        _connection?.Dispose();
        _connection = null;
    }

    public void Dispose() => Disconnect();
}
