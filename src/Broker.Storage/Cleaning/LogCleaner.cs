using System.Diagnostics.CodeAnalysis;

namespace Broker.Storage;

/// <summary>
/// Compacts the logs of a <see cref="LogManager"/>, the dirtiest first, on log.cleaner.threads threads of its own. Its options are looked at again before each pass.
/// Life: construct, <see cref="Start"/>, <see cref="Stop"/>. Holds no memory for maps and buffers between passes.
/// </summary>
internal sealed class LogCleaner : IDisposable
{
    // log.cleaner.backoff.ms may be 0; a thread that finds nothing must not spin.
    private const long LeastBackoffMs = 100;

    private readonly LogManager _manager;
    private readonly Func<CleanerOptions> _options;
    private readonly LogServices _services;
    private readonly CleaningThrottle _throttle;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _choice = new();
    private readonly List<Thread> _threads = [];
    private int _isStopped;

    public LogCleaner(LogManager manager, Func<CleanerOptions> options, LogServices services)
    {
        _manager = manager;
        _options = options;
        _services = services;
        _throttle = new CleaningThrottle(options, services.Time);
    }

    public void Start()
    {
        if (_options().IsEnabled)
        {
            AddThread();
        }
    }

    /// <summary>Passes end at the next batch; what they have not finished is done again by the next start.</summary>
    public void Stop()
    {
        if (Interlocked.Exchange(ref _isStopped, 1) != 0)
        {
            return;
        }

        _stopping.Cancel();
        Thread[] threads;
        lock (_choice)
        {
            threads = [.. _threads];
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        _stopping.Dispose();
    }

    public void Dispose() => Stop();

    /// <summary>Cleans the log that needs it most; false when none does or when it could not be done. The threads call it, and tests.</summary>
    public bool CleanNext()
    {
        if (!TryChoose(out LogToClean range))
        {
            return false;
        }

        try
        {
            return Clean(range);
        }
        finally
        {
            range.Log.EndCleaning();
        }
    }

    private bool TryChoose(out LogToClean chosen)
    {
        long nowMs = _services.NowMs;
        chosen = default;
        lock (_choice)
        {
            foreach (PartitionLog log in _manager.Logs)
            {
                if (!log.IsCleanable || !TryMeasure(log, nowMs, out LogToClean range))
                {
                    continue;
                }

                if (range.IsWorthIt && (chosen.Log is null || range.Ratio > chosen.Ratio))
                {
                    chosen = range;
                }
            }

            return chosen.Log is not null && chosen.Log.TryBeginCleaning();
        }
    }

    private bool TryMeasure(PartitionLog log, long nowMs, out LogToClean range)
    {
        range = default;
        try
        {
            range = LogToClean.Of(log, nowMs);
            return true;
        }
        catch (Exception e) when (log.IsClosed || log.Directory.TakeOffline(e, "look for what to clean in", log.TopicPartition))
        {
            return false;
        }
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever is wrong with one log must not end the cleaning of the others; it is logged by name.")]
    private bool Clean(in LogToClean range)
    {
        PartitionLog log = range.Log;
        CleaningPass pass = new(range, _services, _options(), _throttle, _stopping.Token);
        long started = _services.Time.GetTimestamp();
        try
        {
            long end = pass.Run();
            log.Directory.WriteCleanerOffsets();
            CleaningStats stats = pass.Stats;
            _services.Logger.LogCleaned(
                log.TopicPartition, range.FirstDirtyOffset, end, stats.BytesRead, stats.BytesWritten, stats.RecordsRead, stats.RecordsWritten, stats.RecordsWithoutKey,
                stats.MapUse, (long)_services.Time.GetElapsedTime(started).TotalMilliseconds);
            return true;
        }
        catch (CleaningAbortedException e)
        {
            _services.Logger.CleaningAborted(log.TopicPartition, e.Message);
        }
        catch (Exception) when (pass.IsOvertaken)
        {
            // Files went or were cut while the pass read them.
            _services.Logger.CleaningAborted(log.TopicPartition, "its files changed meanwhile");
        }
        catch (OutOfMemoryException)
        {
            _services.Logger.CleaningAborted(log.TopicPartition, "there is no memory for the map of keys; lower log.cleaner.dedupe.buffer.size");
        }
        catch (Exception e) when (log.Directory.TakeOffline(e, "clean", log.TopicPartition))
        {
        }
        catch (Exception e)
        {
            log.MarkUncleanable();
            _services.Logger.Uncleanable(e, log.TopicPartition, e.Message);
        }

        return false;
    }

    private void AddThread()
    {
        lock (_choice)
        {
            int number = _threads.Count;
            Thread thread = new(() => Loop(number)) { IsBackground = true, Name = $"log-cleaner-{number}" };
            _threads.Add(thread);
            thread.Start();
        }
    }

    private void Loop(int number)
    {
        while (!_stopping.IsCancellationRequested)
        {
            CleanerOptions options = _options();
            if (number == _threads.Count - 1 && number + 1 < options.Threads)
            {
                AddThread();
            }

            if (number >= options.Threads || !CleanNext())
            {
                CleaningThrottle.Pause(TimeSpan.FromMilliseconds(Math.Max(options.BackoffMs, LeastBackoffMs)), _services.Time, _stopping.Token);
            }
        }
    }
}
