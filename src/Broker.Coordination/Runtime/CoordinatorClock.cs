namespace Broker.Coordination;

/// <summary>The two clocks of <see cref="Moment"/>, from one time provider. Thread-safe.</summary>
internal sealed class CoordinatorClock(TimeProvider time)
{
    private readonly long _origin = time.GetTimestamp();

    public Moment Now => new((long)time.GetElapsedTime(_origin).TotalMilliseconds, time.GetUtcNow().ToUnixTimeMilliseconds());
}
