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

/// <summary>A wait for an outcome. The first to end it decides.</summary>
/// <param name="expired">The outcome when its time is over.</param>
internal sealed class TimedWait<TOutcome>(TOutcome expired) : TimedWait
{
    // Never on the thread that ends it: a slow consumer cannot delay a producer, nor a producer the fetch that moved the high watermark.
    private readonly TaskCompletionSource<TOutcome> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<TOutcome> Ended => _end.Task;

    public void TryEnd(TOutcome outcome) => _end.TrySetResult(outcome);

    internal override void OnExpired() => _end.TrySetResult(expired);
}
