using Broker.Protocol;

namespace Broker.Server;

/// <summary>Produces that wait until the in-sync replicas have their records. Thread-safe.</summary>
internal sealed class ReplicationWaiters
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<TaskCompletionSource<ErrorCode>, long> _byOffset = new();

    /// <summary>Completes with None when the high watermark has reached the offset, or with what ended the wait.</summary>
    public Task<ErrorCode> Add(long offset)
    {
        var waiter = new TaskCompletionSource<ErrorCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _byOffset.Enqueue(waiter, offset);
        }

        return waiter.Task;
    }

    public void OnHighWatermark(long offset)
    {
        lock (_lock)
        {
            while (_byOffset.TryPeek(out TaskCompletionSource<ErrorCode>? waiter, out long wanted) && wanted <= offset)
            {
                _byOffset.Dequeue();
                waiter.TrySetResult(ErrorCode.None);
            }
        }
    }

    /// <summary>This broker does not lead any more: whether the records stay is not for it to say.</summary>
    public void End(ErrorCode error)
    {
        lock (_lock)
        {
            while (_byOffset.TryDequeue(out TaskCompletionSource<ErrorCode>? waiter, out _))
            {
                waiter.TrySetResult(error);
            }
        }
    }
}
