namespace Broker.Server;

/// <summary>
/// What a fetch session, or one request without a session, has yet to look at: partitions mark their targets when something happens, so that a request reads those only and an
/// idle one costs nothing, however many partitions it names. A target is due until a read found that its reader knows everything there is. Thread-safe; partitions mark while
/// they hold their own lock, so that nothing here calls them with <see cref="_lock"/> held.
/// </summary>
internal sealed class FetchWatch(long nowMs)
{
    private readonly Lock _lock = new();

    // Held while targets enter and leave partitions, which take their own lock for it.
    private readonly Lock _membership = new();
    private List<FetchTarget> _due = [];
    private TimedWait<bool>? _enough;
    private long _missingBytes;
    private bool _isClosed;
    private long _lastUsedMs = nowMs;

    /// <summary>A follower reads up to the end of the log, a consumer what is replicated.</summary>
    public bool IsFollower { get; set; }

    /// <summary>A follower that serves consumers has to know at once what they may read.</summary>
    public bool AwaitsHighWatermark { get; set; }

    /// <summary>When its reader was last heard of.</summary>
    public long LastUsedMs
    {
        get => Volatile.Read(ref _lastUsedMs);
        set => Volatile.Write(ref _lastUsedMs, value);
    }

    /// <summary>The target has to be read again; <paramref name="bytes"/> count towards what a waiting request misses.</summary>
    public void Mark(FetchTarget target, long bytes)
    {
        lock (_lock)
        {
            if (!target.IsDue)
            {
                target.IsDue = true;
                _due.Add(target);
            }

            Count(bytes);
        }
    }

    /// <summary>Those that are due, longest first. They are not any more, until they are marked or put back: so take first and read then.</summary>
    public List<FetchTarget> Take()
    {
        lock (_lock)
        {
            List<FetchTarget> taken = _due;
            _due = [];
            foreach (FetchTarget target in taken)
            {
                target.IsDue = false;
            }

            taken.RemoveAll(static target => target.IsClosed);
            return taken;
        }
    }

    /// <summary>After reading: <paramref name="first"/> go before and <paramref name="last"/> behind what was marked meanwhile, so that none starves.</summary>
    public void PutBack(List<FetchTarget> first, List<FetchTarget> last)
    {
        lock (_lock)
        {
            first.RemoveAll(static target => target.IsDue);
            first.ForEach(static target => target.IsDue = true);
            _due.InsertRange(0, first);
            foreach (FetchTarget target in last)
            {
                if (!target.IsDue)
                {
                    target.IsDue = true;
                    _due.Add(target);
                }
            }
        }
    }

    /// <summary>Ends with true when so many bytes were marked from now on.</summary>
    public TimedWait<bool> Expect(long bytes)
    {
        lock (_lock)
        {
            _missingBytes = bytes;
            _enough = new TimedWait<bool>(expired: false);
            return _enough;
        }
    }

    /// <summary>Bytes that were found by reading.</summary>
    public void Found(long bytes)
    {
        lock (_lock)
        {
            Count(bytes);
        }
    }

    /// <summary>From now on the partition marks the target.</summary>
    public void Follow(FetchTarget target, Partition partition)
    {
        if (target.Followed == partition)
        {
            return;
        }

        lock (_membership)
        {
            if (!_isClosed && !target.IsClosed)
            {
                target.Followed?.RemoveTarget(target);
                target.Followed = partition;
                partition.AddTarget(target);
            }
        }
    }

    /// <summary>The reader does not want the target any more.</summary>
    public void Forget(FetchTarget target)
    {
        lock (_membership)
        {
            target.IsClosed = true;
            target.Followed?.RemoveTarget(target);
            target.Followed = null;
        }
    }

    /// <summary>Nobody will ask any more. A request that is under way ends, but hears of nothing new.</summary>
    public void Close(IEnumerable<FetchTarget> targets)
    {
        lock (_membership)
        {
            _isClosed = true;
        }

        foreach (FetchTarget target in targets)
        {
            Forget(target);
        }
    }

    private void Count(long bytes)
    {
        if (_enough is not null && bytes > 0 && (_missingBytes -= Math.Min(bytes, _missingBytes)) <= 0)
        {
            _enough.TryEnd(true);
            _enough = null;
        }
    }
}
