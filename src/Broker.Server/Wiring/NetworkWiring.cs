using System.Globalization;
using System.Net;
using Broker.Cluster;
using Broker.Configuration;
using Broker.Network;

namespace Broker.Server;

/// <summary>Listeners between the configuration, the sockets and what clients are told.</summary>
internal static class NetworkWiring
{
    public static NetworkOptions Options(BrokerConfig config) => new()
    {
        Listeners = [.. config.Listeners.Select(l => new ListenerOptions(l.Name, l.Host, l.Port, config.Get(ConfigKeys.SocketListenBacklogSize)))],
        MaxRequestBytes = config.Get(ConfigKeys.SocketRequestMaxBytes),
        MaxIdleMs = config.Get(ConfigKeys.ConnectionsMaxIdleMs),
        SendBufferBytes = BufferBytes(config, ConfigKeys.SocketSendBufferBytes, nobodysWish: 0),
        ReceiveBufferBytes = BufferBytes(config, ConfigKeys.SocketReceiveBufferBytes, nobodysWish: -1),
        ConnectionLimits = Limits(config),
    };

    public static ConnectionLimits Limits(BrokerConfig config) => new()
    {
        MaxConnections = config.Get(ConfigKeys.MaxConnections),
        MaxConnectionsPerIp = config.Get(ConfigKeys.MaxConnectionsPerIp),
        MaxConnectionsPerIpOverrides = Overrides(config.Get(ConfigKeys.MaxConnectionsPerIpOverrides)),
    };

    /// <summary>What Metadata answers by listener; a port left to chance is the one that was bound.</summary>
    public static IReadOnlyDictionary<string, EndpointImage> Advertised(BrokerConfig config, IReadOnlyDictionary<string, IPEndPoint> bound)
    {
        var endpoints = new Dictionary<string, EndpointImage>(StringComparer.Ordinal);
        foreach (ListenerEndpoint listener in config.AdvertisedListeners)
        {
            int port = listener.Port == 0 && bound.TryGetValue(listener.Name, out IPEndPoint? real) ? real.Port : listener.Port;
            endpoints[listener.Name] = new EndpointImage(listener.Host, port, ProtocolName(listener.Protocol));
        }

        return endpoints;
    }

    public static StartupReport Report(
        int brokerId, string clusterId, BrokerConfig config, IReadOnlyDictionary<string, IPEndPoint> bound, IReadOnlyDictionary<string, EndpointImage> advertised)
    {
        var listeners = config.Listeners.Select(l => new ListenerReport(
            l.Name, l.Host, bound[l.Name].Port, advertised.GetValueOrDefault(l.Name)?.Host ?? "", advertised.GetValueOrDefault(l.Name)?.Port ?? -1));
        return new StartupReport(brokerId, clusterId, [.. listeners], config.LogDirs);
    }

    // Kafka's default of 100 KiB, which its shipped file repeats, would turn off the tuning by the system: it counts as nobody's wish.
    private static int BufferBytes(BrokerConfig config, ConfigKey<int> key, int nobodysWish) => config.Get(key) is var bytes && bytes == key.Default ? nobodysWish : bytes;

    private static string ProtocolName(SecurityProtocol protocol) => protocol switch
    {
        SecurityProtocol.Plaintext => "PLAINTEXT",
        SecurityProtocol.Ssl => "SSL",
        SecurityProtocol.SaslPlaintext => "SASL_PLAINTEXT",
        _ => "SASL_SSL",
    };

    /// <summary><c>host:count,host:count</c>; the configuration has checked the form.</summary>
    private static Dictionary<string, int> Overrides(string text) =>
        text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(pair => (pair, colon: pair.LastIndexOf(':')))
            .Where(entry => entry.colon > 0)
            .ToDictionary(entry => entry.pair[..entry.colon], entry => int.Parse(entry.pair[(entry.colon + 1)..], CultureInfo.InvariantCulture), StringComparer.Ordinal);
}
