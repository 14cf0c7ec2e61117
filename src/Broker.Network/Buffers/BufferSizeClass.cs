namespace Broker.Network;

/// <summary>The cache of one buffer size: a bounded stack, so that the warmest buffer is rented next. Thread-safe.</summary>
internal sealed class BufferSizeClass
{
    private readonly Lock _lock = new();
    private readonly PooledBuffer?[] _cached;
    private int _count;
    private int _leastSinceTrim;

    public BufferSizeClass(int bytes, int maxCached)
    {
        Bytes = bytes;
        _cached = new PooledBuffer?[maxCached];
    }

    public int Bytes { get; }

    public long CachedBytes => (long)Volatile.Read(ref _count) * Bytes;

    public PooledBuffer Take()
    {
        lock (_lock)
        {
            if (_count > 0)
            {
                PooledBuffer buffer = _cached[--_count]!;
                _cached[_count] = null;
                _leastSinceTrim = Math.Min(_leastSinceTrim, _count);
                return buffer;
            }
        }

        return new PooledBuffer(Bytes, this);
    }

    public bool Put(PooledBuffer buffer)
    {
        lock (_lock)
        {
            if (_count == _cached.Length)
            {
                return false;
            }

            _cached[_count++] = buffer;
            return true;
        }
    }

    public void Trim()
    {
        int surplus;
        lock (_lock)
        {
            surplus = _leastSinceTrim;
            _leastSinceTrim = _count;
        }

        for (int i = 0; i < surplus; i++)
        {
            PooledBuffer? buffer = null;
            lock (_lock)
            {
                if (_count > 0)
                {
                    buffer = _cached[--_count];
                    _cached[_count] = null;
                    _leastSinceTrim = Math.Min(_leastSinceTrim, _count);
                }
            }

            if (buffer is null)
            {
                return;
            }

            buffer.Free();
        }
    }
}
