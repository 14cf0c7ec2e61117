using Broker.Configuration;

namespace Broker.Coordination;

/// <summary>Limits and times of transactions, in ms.</summary>
public sealed record TransactionSettings
{
    public int MaxTimeoutMs { get; init; } = 900_000;
    public long IdExpirationMs { get; init; } = 604_800_000;
    public long TimeoutCheckIntervalMs { get; init; } = 10_000;
    public long ExpiryCheckIntervalMs { get; init; } = 3_600_000;
    public long MarkerRetryMs { get; init; } = 100;

    /// <summary>Version of the records' values: 1 once transaction.version 1 is finalized.</summary>
    public Func<short> ValueVersion { get; init; } = static () => 0;

    public static TransactionSettings From(BrokerConfig config) => new()
    {
        MaxTimeoutMs = config.Get(ConfigKeys.TransactionMaxTimeoutMs),
        IdExpirationMs = config.Get(ConfigKeys.TransactionalIdExpirationMs),
        TimeoutCheckIntervalMs = config.Get(ConfigKeys.TransactionAbortTimedOutTransactionCleanupIntervalMs),
        ExpiryCheckIntervalMs = config.Get(ConfigKeys.TransactionRemoveExpiredTransactionCleanupIntervalMs),
    };
}
