namespace Broker.Coordination;

/// <summary>
/// One instant on two clocks: deadlines are kept on the monotonic one, so that a step of the wall clock expires nobody; timestamps that are stored or
/// shown come from the wall clock.
/// </summary>
internal readonly record struct Moment(long MonotonicMs, long UnixMs)
{
    /// <summary>The deadline that never comes.</summary>
    public const long Never = long.MaxValue;
}
