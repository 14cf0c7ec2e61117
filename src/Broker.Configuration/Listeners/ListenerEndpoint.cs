using System.Globalization;

namespace Broker.Configuration;

/// <summary>
/// An address to listen on (an empty host means every interface, port 0 a free port) or to tell clients (the host is never empty; port 0
/// means the port that was bound).
/// </summary>
public sealed record ListenerEndpoint(string Name, string Host, int Port, SecurityProtocol Protocol)
{
    /// <summary>As written in `listeners`; IPv6 addresses in brackets.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}://{Bracket(Host)}:{Port}");

    private static string Bracket(string host) => host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host;
}
