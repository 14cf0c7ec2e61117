using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Broker.Network;

/// <summary>
/// Instruments of the meter <c>Broker.Network</c>. Connections count for themselves with plain fields that only they write; the sums are made when somebody looks. Thread-safe.
/// </summary>
internal sealed class NetworkMetrics : IDisposable
{
    private readonly ConcurrentDictionary<Connection, Task> _connections;
    private readonly Lock _lock = new();
    private readonly Meter _meter = new("Broker.Network");
    private long _accepted;
    private long _endedReceived;
    private long _endedSent;
    private long _endedRequests;

    public NetworkMetrics(ConcurrentDictionary<Connection, Task> connections, RefusalLog refusals)
    {
        _connections = connections;
        _meter.CreateObservableUpDownCounter("broker.network.connections", () => _connections.Count, description: "Open client connections.");
        _meter.CreateObservableCounter("broker.network.connections.accepted", () => Volatile.Read(ref _accepted), description: "Connections accepted.");
        _meter.CreateObservableCounter("broker.network.connections.refused", () => refusals.Total, description: "Connections refused by a limit.");
        _meter.CreateObservableCounter("broker.network.received", () => Sum(ref _endedReceived, c => c.BytesReceived), "By", "Bytes received from clients.");
        _meter.CreateObservableCounter("broker.network.sent", () => Sum(ref _endedSent, c => c.BytesSent), "By", "Bytes sent to clients.");
        _meter.CreateObservableCounter("broker.network.requests", () => Sum(ref _endedRequests, c => c.Requests), description: "Request frames taken.");
    }

    public void OnAccepted() => Interlocked.Increment(ref _accepted);

    /// <summary>Takes an ended connection off the list and keeps what it counted, in one step: a sum never falls.</summary>
    public void OnEnded(Connection connection)
    {
        lock (_lock)
        {
            _connections.TryRemove(connection, out _);
            _endedReceived += connection.BytesReceived;
            _endedSent += connection.BytesSent;
            _endedRequests += connection.Requests;
        }
    }

    public void Dispose() => _meter.Dispose();

    private long Sum(ref long ended, Func<Connection, long> count)
    {
        lock (_lock)
        {
            long sum = ended;
            foreach ((Connection connection, _) in _connections)
            {
                sum += count(connection);
            }

            return sum;
        }
    }
}
