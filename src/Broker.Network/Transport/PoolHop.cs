using System.Runtime.CompilerServices;

namespace Broker.Network;

/// <summary>
/// Awaiting it moves the rest of a method to the thread pool without allocating. A connection whose bytes never run out would otherwise keep the thread that polls
/// the sockets of many others. One user at a time.
/// </summary>
internal sealed class PoolHop : ICriticalNotifyCompletion, IThreadPoolWorkItem
{
    private Action? _continuation;

    public bool IsCompleted => false;

    public PoolHop GetAwaiter() => this;

    public void GetResult()
    {
        // Nothing to hand over: the hop is its own result.
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        _continuation = continuation;
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    public void Execute()
    {
        Action continuation = _continuation!;
        _continuation = null;
        continuation();
    }
}
