using Microsoft.Extensions.Logging;

namespace Broker.Storage;

/// <summary>What every log of a <see cref="LogManager"/> shares.</summary>
internal sealed record LogServices(LogFiles Files, TimeProvider Time, ILogger Logger, DeferredWork Deferred, long ProducerIdExpirationMs)
{
    public long NowMs => Time.GetUtcNow().ToUnixTimeMilliseconds();
}
