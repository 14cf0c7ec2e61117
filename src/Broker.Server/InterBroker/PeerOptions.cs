using System.Globalization;
using Broker.Configuration;

namespace Broker.Server;

/// <summary>How this broker speaks to others.</summary>
internal sealed record PeerOptions
{
    /// <summary>Listener of the others to connect to.</summary>
    public required string Listener { get; init; }

    public required string ClientId { get; init; }

    /// <summary>controller.socket.timeout.ms: for requests between the controller and a broker.</summary>
    public required TimeSpan ControlTimeout { get; init; }

    /// <summary>Largest answer taken, as for requests.</summary>
    public required int MaxFrameBytes { get; init; }

    public static PeerOptions From(BrokerConfig config, int brokerId) => new()
    {
        Listener = config.InterBrokerListenerName,
        ClientId = brokerId.ToString(CultureInfo.InvariantCulture),
        ControlTimeout = TimeSpan.FromMilliseconds(config.Get(ConfigKeys.ControllerSocketTimeoutMs)),
        MaxFrameBytes = config.Get(ConfigKeys.SocketRequestMaxBytes),
    };
}
