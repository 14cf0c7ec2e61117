namespace Broker.Configuration;

/// <summary>What the configuration needs to know of the machine.</summary>
public sealed record ConfigParseOptions
{
    /// <summary>What a listener without a host advertises.</summary>
    public string LocalHostName { get; init; } = "localhost";

    /// <summary>Cluster id for a new data directory; null makes a random one.</summary>
    public string? ClusterId { get; init; }
}
