namespace Broker.Storage;

/// <summary>
/// Looks at the free space of the log directories when the clock of <see cref="LogMaintenance"/> ticks, but on the thread pool: the maintenance thread may be waiting for
/// a disk. One look at a time: a file system that hangs must not collect threads.
/// </summary>
internal sealed class DiskSpaceWatch(IReadOnlyList<LogDirectory> directories) : IThreadPoolWorkItem
{
    private int _isRunning;

    public void OnTick()
    {
        if (Interlocked.Exchange(ref _isRunning, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    public void Execute()
    {
        Check();
        Volatile.Write(ref _isRunning, 0);
    }

    public void Check()
    {
        foreach (LogDirectory directory in directories)
        {
            directory.CheckSpace();
        }
    }
}
