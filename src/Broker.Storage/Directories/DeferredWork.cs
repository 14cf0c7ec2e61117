namespace Broker.Storage;

/// <summary>Work that callers leave to the maintenance thread: delayed deletes, flushes after a roll. Thread-safe.</summary>
internal sealed class DeferredWork
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<Action, long> _queue = new();

    /// <summary>Raised when work was added that is due at once.</summary>
    public event Action? Urgent;

    public void At(long dueMs, Action work)
    {
        lock (_lock)
        {
            _queue.Enqueue(work, dueMs);
        }
    }

    public void Soon(Action work)
    {
        At(long.MinValue, work);
        Urgent?.Invoke();
    }

    public void RunDue(long nowMs)
    {
        while (TryTake(nowMs, out Action? work))
        {
            work();
        }
    }

    private bool TryTake(long nowMs, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Action? work)
    {
        lock (_lock)
        {
            bool isDue = _queue.TryPeek(out work, out long due) && due <= nowMs;
            if (isDue)
            {
                _queue.Dequeue();
            }

            return isDue;
        }
    }
}
