using Microsoft.Extensions.Logging;

namespace Broker.Storage;

/// <summary>What every log of a <see cref="LogManager"/> shares.</summary>
internal sealed record LogServices(LogFiles Files, TimeProvider Time, ILogger Logger, DeferredWork Deferred, long ProducerIdExpirationMs)
{
    /// <summary>transaction.partition.verification.enable, as configured at the moment.</summary>
    public Func<bool> VerifiesTransactions { get; init; } = static () => false;

    /// <summary>For tests.</summary>
    public Omission Omits { get; init; }

    public long NowMs => Time.GetUtcNow().ToUnixTimeMilliseconds();
}
