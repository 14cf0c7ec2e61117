namespace Broker.Storage;

/// <summary>Holds the cleaner's threads to log.cleaner.io.max.bytes.per.second together. Thread-safe.</summary>
internal sealed class CleaningThrottle(Func<CleanerOptions> options, TimeProvider time)
{
    private readonly Lock _lock = new();

    // When the bytes taken so far will have been worth their time.
    private long _paidUntil = long.MinValue;

    /// <summary>Accounts for bytes that were read or written, then waits as long as they cost.</summary>
    public void Take(int bytes, CancellationToken stopping)
    {
        TimeSpan wait = Charge(bytes);
        if (wait > TimeSpan.Zero)
        {
            Pause(wait, time, stopping);
        }
    }

    /// <summary>Waits by the broker's clock; a stop ends it.</summary>
    public static void Pause(TimeSpan wait, TimeProvider time, CancellationToken stopping)
    {
        try
        {
            Task.Delay(wait, time, stopping).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            // The caller looks at the token next.
        }
    }

    private TimeSpan Charge(int bytes)
    {
        double rate = options().MaxBytesPerSecond;
        double seconds = bytes / Math.Max(rate, 1);
        if (seconds < 1e-9)
        {
            return TimeSpan.Zero;
        }

        lock (_lock)
        {
            long now = time.GetTimestamp();
            _paidUntil = Math.Max(_paidUntil, now) + (long)(seconds * time.TimestampFrequency);
            return time.GetElapsedTime(now, _paidUntil);
        }
    }
}
