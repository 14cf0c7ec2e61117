using Broker.Configuration;

namespace Broker.Server;

/// <summary>The replica.* keys.</summary>
internal sealed record FetcherOptions
{
    public required int MaxWaitMs { get; init; }

    public required int MinBytes { get; init; }

    public required int MaxBytes { get; init; }

    public required int PartitionMaxBytes { get; init; }

    public required int BackoffMs { get; init; }

    public required TimeSpan Timeout { get; init; }

    /// <summary>Null for none.</summary>
    public ReplicationThrottles? Throttles { get; init; }

    public static FetcherOptions From(BrokerConfig config) => new()
    {
        MaxWaitMs = config.Get(ConfigKeys.ReplicaFetchWaitMaxMs),
        MinBytes = config.Get(ConfigKeys.ReplicaFetchMinBytes),
        MaxBytes = config.Get(ConfigKeys.ReplicaFetchResponseMaxBytes),
        PartitionMaxBytes = config.Get(ConfigKeys.ReplicaFetchMaxBytes),
        BackoffMs = config.Get(ConfigKeys.ReplicaFetchBackoffMs),
        Timeout = TimeSpan.FromMilliseconds(config.Get(ConfigKeys.ReplicaSocketTimeoutMs)),
    };
}
