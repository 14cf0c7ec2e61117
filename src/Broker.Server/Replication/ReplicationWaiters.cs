using Broker.Protocol;

namespace Broker.Server;

/// <summary>Produces that wait until the in-sync replicas have their records, or deletions that wait until followers have done the same. Thread-safe.</summary>
internal sealed class ReplicationWaiters
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<TimedWait<ErrorCode>, long> _byOffset = new();

    /// <summary>Completes with None when the high watermark has reached the offset, or with what ended the wait.</summary>
    public TimedWait<ErrorCode> Add(long offset)
    {
        var waiter = new TimedWait<ErrorCode>(expired: ErrorCode.RequestTimedOut);
        lock (_lock)
        {
            _byOffset.Enqueue(waiter, offset);
        }

        return waiter;
    }

    /// <summary>For those that nothing else is sure to take out. Costs a step for each that waits.</summary>
    public void Remove(TimedWait<ErrorCode> waiter)
    {
        lock (_lock)
        {
            _byOffset.Remove(waiter, out _, out _);
        }
    }

    public void OnHighWatermark(long offset)
    {
        lock (_lock)
        {
            while (_byOffset.TryPeek(out TimedWait<ErrorCode>? waiter, out long wanted) && wanted <= offset)
            {
                _byOffset.Dequeue();
                waiter.TryEnd(ErrorCode.None);
            }
        }
    }

    /// <summary>This broker does not lead any more: whether the records stay is not for it to say.</summary>
    public void End(ErrorCode error)
    {
        lock (_lock)
        {
            while (_byOffset.TryDequeue(out TimedWait<ErrorCode>? waiter, out _))
            {
                waiter.TryEnd(error);
            }
        }
    }
}
