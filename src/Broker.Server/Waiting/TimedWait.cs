namespace Broker.Server;

/// <summary>Something that waits, for at most as long as it was put into a <see cref="TimerWheel"/>.</summary>
internal abstract class TimedWait
{
    internal TimedWait? Previous { get; set; }

    internal TimedWait? Next { get; set; }

    /// <summary>Where it is in the wheel; null when it is in none.</summary>
    internal TimedWaitList? List { get; set; }

    internal long DueTick { get; set; }

    /// <summary>Its time is over, or the broker stops. Called once at most, without locks; what it does is short and starts nothing on this thread.</summary>
    internal abstract void OnExpired();
}
