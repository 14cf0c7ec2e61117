using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;

namespace Broker.Network;

/// <summary>Counts open connections in total and per client address, and says no at the limit. Thread-safe.</summary>
internal sealed class ConnectionLimiter
{
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, int> _perAddress = [];
    private readonly ILogger _log;
    private Dictionary<IPAddress, int> _overrides = [];
    private ConnectionLimits _limits = new();
    private int _total;

    public ConnectionLimiter(ConnectionLimits limits, ILogger log)
    {
        _log = log;
        Update(limits);
    }

    public void Update(ConnectionLimits limits)
    {
        Dictionary<IPAddress, int> overrides = ResolveOverrides(limits);
        lock (_lock)
        {
            _limits = limits;
            _overrides = overrides;
        }
    }

    /// <summary>Takes a place for a connection of <paramref name="address"/>, or returns why there is none.</summary>
    public string? TryEnter(IPAddress address)
    {
        lock (_lock)
        {
            if (_total >= _limits.MaxConnections)
            {
                return $"all {_limits.MaxConnections} connections are in use (max.connections).";
            }

            int open = _perAddress.GetValueOrDefault(address);
            int limit = _overrides.GetValueOrDefault(address, _limits.MaxConnectionsPerIp);
            if (open >= limit)
            {
                return $"{address} has {open} of at most {limit} connections (max.connections.per.ip).";
            }

            _perAddress[address] = open + 1;
            _total++;
            return null;
        }
    }

    public void Leave(IPAddress address)
    {
        lock (_lock)
        {
            _total--;
            int open = _perAddress[address] - 1;
            if (open == 0)
            {
                _perAddress.Remove(address);
            }
            else
            {
                _perAddress[address] = open;
            }
        }
    }

    private Dictionary<IPAddress, int> ResolveOverrides(ConnectionLimits limits)
    {
        var overrides = new Dictionary<IPAddress, int>();
        foreach ((string host, int limit) in limits.MaxConnectionsPerIpOverrides)
        {
            try
            {
                foreach (IPAddress address in Dns.GetHostAddresses(host))
                {
                    overrides[ClientAddress.Normalise(address)] = limit;
                }
            }
            catch (Exception e) when (e is SocketException or ArgumentException)
            {
                NetworkLog.UnknownOverrideHost(_log, host, e.Message);
            }
        }

        return overrides;
    }
}
