namespace Broker.Server;

/// <summary>
/// Bytes per second over the last windows: <paramref name="samples"/> of them, each <paramref name="windowMs"/> long and begun by the first record after the one before ended, as Kafka's
/// replication quotas count. Not thread-safe.
/// </summary>
internal sealed class SampledRate(int samples, long windowMs)
{
    private readonly Queue<(long StartMs, long Bytes)> _ended = new();
    private long _startMs = -1;
    private long _bytes;

    public void Record(long bytes, long nowMs)
    {
        Forget(nowMs);
        if (_startMs < 0)
        {
            _startMs = nowMs;
        }
        else if (nowMs - _startMs >= windowMs)
        {
            _ended.Enqueue((_startMs, _bytes));
            (_startMs, _bytes) = (nowMs, 0);
            if (_ended.Count == samples)
            {
                _ended.Dequeue();
            }
        }

        _bytes += bytes;
    }

    public double BytesPerSecond(long nowMs)
    {
        Forget(nowMs);
        if (_startMs < 0)
        {
            return 0;
        }

        long oldest = _ended.TryPeek(out (long StartMs, long) first) ? first.StartMs : _startMs;
        long total = _bytes;
        foreach ((_, long bytes) in _ended)
        {
            total += bytes;
        }

        // Never over less than a window, or the first record alone would be a huge rate.
        return total * 1000.0 / Math.Max(nowMs - oldest, windowMs);
    }

    private void Forget(long nowMs)
    {
        long limit = samples * windowMs;
        while (_ended.TryPeek(out (long StartMs, long) first) && nowMs - first.StartMs >= limit)
        {
            _ended.Dequeue();
        }

        if (_startMs >= 0 && nowMs - _startMs >= limit)
        {
            (_startMs, _bytes) = (-1, 0);
        }
    }
}
