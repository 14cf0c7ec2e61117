namespace Broker.Coordination;

/// <summary>
/// The one timer of a coordinator: set to the earliest deadline anybody has asked for. Fires once per setting; whoever handles it sets it anew.
/// Thread-safe.
/// </summary>
internal sealed class DeadlineTimer : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CoordinatorClock _clock;
    private readonly ITimer _timer;
    private long _deadlineMs = Moment.Never;
    private bool _isDisposed;

    public DeadlineTimer(TimeProvider time, CoordinatorClock clock, Action onDue)
    {
        _clock = clock;
        _timer = time.CreateTimer(
            _ =>
            {
                lock (_gate)
                {
                    _deadlineMs = Moment.Never;
                }
                onDue();
            },
            null,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

    /// <summary>Makes sure that the timer fires at the deadline or before.</summary>
    public void Ensure(long deadlineMs)
    {
        if (deadlineMs >= Volatile.Read(ref _deadlineMs))
        {
            return;
        }
        lock (_gate)
        {
            if (deadlineMs >= _deadlineMs || _isDisposed)
            {
                return;
            }
            _deadlineMs = deadlineMs;

            // Timers take no more than 49 days; a later deadline is looked at again then.
            long delayMs = Math.Clamp(deadlineMs - _clock.Now.MonotonicMs, 1, int.MaxValue);
            _timer.Change(TimeSpan.FromMilliseconds(delayMs), Timeout.InfiniteTimeSpan);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
        }
        _timer.Dispose();
    }
}
