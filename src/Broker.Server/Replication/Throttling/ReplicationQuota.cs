namespace Broker.Server;

/// <summary>A rate that replication shall not exceed, and what is measured of it. What exceeds it once is waited for later: the average holds. Thread-safe.</summary>
/// <param name="bytesPerSecond">The limit, asked each time because it may change; <see cref="long.MaxValue"/> for none.</param>
/// <param name="samples">Windows that are averaged over.</param>
/// <param name="window">Length of each.</param>
/// <param name="time">The clock.</param>
internal sealed class ReplicationQuota(Func<long> bytesPerSecond, int samples, TimeSpan window, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly SampledRate _rate = new(samples, (long)window.TotalMilliseconds);

    public bool IsExceeded
    {
        get
        {
            long limit = bytesPerSecond();
            if (limit == long.MaxValue)
            {
                return false;
            }

            lock (_lock)
            {
                return _rate.BytesPerSecond(NowMs) > limit;
            }
        }
    }

    public void Record(long bytes)
    {
        lock (_lock)
        {
            _rate.Record(bytes, NowMs);
        }
    }

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();
}
