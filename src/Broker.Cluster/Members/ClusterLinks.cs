namespace Broker.Cluster;

/// <summary>What a controller needs when its tree is shared with other brokers.</summary>
public sealed record ClusterLinks
{
    public required IRemoteBrokers Remote { get; init; }

    public required IBrokerWatch Watch { get; init; }

    /// <summary>Starts a new session after the last one expired; tries until it has one or is cancelled.</summary>
    public required Func<CancellationToken, Task<ICoordinationTree>> OpenTree { get; init; }

    /// <summary>Null leaves leadership where it is.</summary>
    public BalancePolicy? Balance { get; init; }

    /// <summary>Listener by which brokers talk to each other.</summary>
    public required string InterBrokerListener { get; init; }

    /// <summary>How long the registration of an earlier run may stand in the way: the time after which its session has surely expired.</summary>
    public required TimeSpan RegistrationPatience { get; init; }
}
