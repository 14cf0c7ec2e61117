using Broker.Protocol;

namespace Broker.Server;

/// <summary>Produces that wait until the in-sync replicas have their records. Thread-safe.</summary>
internal sealed class ReplicationWaiters
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<ReplicationWait, long> _byOffset = new();

    /// <summary>Completes with None when the high watermark has reached the offset, or with what ended the wait.</summary>
    public ReplicationWait Add(long offset)
    {
        var waiter = new ReplicationWait();
        lock (_lock)
        {
            _byOffset.Enqueue(waiter, offset);
        }

        return waiter;
    }

    public void OnHighWatermark(long offset)
    {
        lock (_lock)
        {
            while (_byOffset.TryPeek(out ReplicationWait? waiter, out long wanted) && wanted <= offset)
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
            while (_byOffset.TryDequeue(out ReplicationWait? waiter, out _))
            {
                waiter.TryEnd(error);
            }
        }
    }
}
