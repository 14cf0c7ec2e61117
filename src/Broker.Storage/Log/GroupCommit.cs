using Broker.Protocol;

namespace Broker.Storage;

/// <summary>
/// Shares flushes between appends that wait for one: whoever comes while a flush runs is covered by the next. Runs on the thread pool, one flush at a time, and only
/// while somebody waits. Thread-safe.
/// </summary>
/// <param name="flush">Forces everything appended before the call to the disk; None, or why it could not.</param>
internal sealed class GroupCommit(Func<ErrorCode> flush) : IThreadPoolWorkItem
{
    private readonly Lock _lock = new();
    private TaskCompletionSource<ErrorCode>? _next;
    private bool _isRunning;

    /// <summary>Completes when a flush that began after this call has ended.</summary>
    public Task<ErrorCode> FlushAsync()
    {
        lock (_lock)
        {
            _next ??= new TaskCompletionSource<ErrorCode>(TaskCreationOptions.RunContinuationsAsynchronously);
            if (!_isRunning)
            {
                _isRunning = true;
                ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
            }

            return _next.Task;
        }
    }

    public void Execute()
    {
        while (true)
        {
            TaskCompletionSource<ErrorCode> waiting;
            lock (_lock)
            {
                if (_next is null)
                {
                    _isRunning = false;
                    return;
                }

                waiting = _next;
                _next = null;
            }

            try
            {
                waiting.SetResult(flush());
            }
            catch (Exception e)
            {
                // A defect of ours: who waits must hear of it, and who comes later must not wait for ever.
                waiting.SetException(e);
            }
        }
    }
}
