namespace Broker.Network;

/// <summary>How many connections are accepted; the defaults are Kafka's (no limit). Can be replaced while the server runs; open connections stay.</summary>
public sealed record ConnectionLimits
{
    /// <summary>max.connections over all listeners.</summary>
    public int MaxConnections { get; init; } = int.MaxValue;

    /// <summary>max.connections.per.ip.</summary>
    public int MaxConnectionsPerIp { get; init; } = int.MaxValue;

    /// <summary>max.connections.per.ip.overrides: address or host name -> limit.</summary>
    public IReadOnlyDictionary<string, int> MaxConnectionsPerIpOverrides { get; init; } = new Dictionary<string, int>();
}
