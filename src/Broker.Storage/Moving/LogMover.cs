namespace Broker.Storage;

/// <summary>
/// Carries moves out, on threads that live while there are any: each takes a move, does one step, and puts it behind the others. Thread-safe. Life: construct,
/// <see cref="Add"/>, <see cref="Stop"/>.
/// </summary>
internal sealed class LogMover(LogManager manager, Func<MoveOptions> options, LogServices services, bool hasThreads) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly Queue<LogMove> _queue = new();
    private readonly List<Thread> _threads = [];
    private readonly CancellationTokenSource _stopping = new();
    private bool _isStopped;

    public void Add(LogMove move)
    {
        lock (_lock)
        {
            if (_isStopped)
            {
                return;
            }

            _queue.Enqueue(move);
            if (hasThreads && _threads.Count < Math.Max(1, options().Threads ?? manager.Directories.Count))
            {
                Thread thread = new(Loop) { IsBackground = true, Name = "log-mover" };
                _threads.Add(thread);
                thread.Start();
            }
        }
    }

    /// <summary>What is not finished goes on at the next start.</summary>
    public void Stop()
    {
        Thread[] threads;
        lock (_lock)
        {
            if (_isStopped)
            {
                return;
            }

            _isStopped = true;
            _queue.Clear();
            threads = [.. _threads];
        }

        _stopping.Cancel();
        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        _stopping.Dispose();
    }

    public void Dispose() => Stop();

    /// <summary>One step of the move that waits longest; false when there is none. The threads call it, and tests.</summary>
    public bool StepNext(out MoveProgress progress)
    {
        LogMove? move;
        lock (_lock)
        {
            if (!_queue.TryDequeue(out move))
            {
                progress = MoveProgress.Over;
                return false;
            }
        }

        progress = move.Step(options());
        if (progress == MoveProgress.CaughtUp)
        {
            progress = manager.TrySwap(move) ? MoveProgress.Over : MoveProgress.Waiting;
        }
        else if (progress == MoveProgress.Over)
        {
            manager.GiveUp(move);
        }

        if (progress != MoveProgress.Over)
        {
            lock (_lock)
            {
                if (!_isStopped)
                {
                    _queue.Enqueue(move);
                }
            }
        }

        return true;
    }

    private void Loop()
    {
        while (true)
        {
            if (StepNext(out MoveProgress progress))
            {
                if (progress == MoveProgress.Waiting)
                {
                    CleaningThrottle.Pause(Pause, services.Time, _stopping.Token);
                }

                continue;
            }

            lock (_lock)
            {
                if (_queue.Count == 0)
                {
                    _threads.Remove(Thread.CurrentThread);
                    return;
                }
            }
        }
    }
}
