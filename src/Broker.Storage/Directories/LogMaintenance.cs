using Broker.Protocol;

namespace Broker.Storage;

/// <summary>
/// All background work on the logs, on one thread of its own that looks up once a second: deferred deletes and flushes, flush.ms, retention, checkpoints, expiry of
/// producers, idle segments. Nothing of it runs on a caller's thread.
/// </summary>
internal sealed class LogMaintenance
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private const long IdleSweepIntervalMs = 60_000;

    // Kafka's initial delay: a start is busy enough.
    private const long FirstRetentionDelayMs = 30_000;

    private readonly LogManager _manager;
    private readonly LogManagerOptions _options;
    private readonly LogServices _services;
    private readonly Lock _running = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly Thread _thread;
    private ITimer? _timer;
    private volatile bool _isStopping;
    private long _nextHighWatermarksMs;
    private long _nextCheckpointsMs;
    private long _nextRetentionMs;
    private long _nextExpiryMs;
    private long _nextIdleSweepMs;

    public LogMaintenance(LogManager manager, LogManagerOptions options, LogServices services)
    {
        _manager = manager;
        _options = options;
        _services = services;
        long nowMs = services.NowMs;
        _nextHighWatermarksMs = nowMs + options.HighWatermarkCheckpointIntervalMs;
        _nextCheckpointsMs = nowMs + options.OffsetCheckpointIntervalMs;
        _nextRetentionMs = nowMs + Math.Min(FirstRetentionDelayMs, options.RetentionCheckIntervalMs);
        _nextExpiryMs = nowMs + options.ProducerIdExpirationCheckIntervalMs;
        _nextIdleSweepMs = nowMs + IdleSweepIntervalMs;
        _thread = new Thread(Loop) { IsBackground = true, Name = "log-maintenance" };
    }

    public void Start()
    {
        _services.Deferred.Urgent += Wake;
        _timer = _services.Time.CreateTimer(_ => OnTick(), null, Tick, Tick);
        _thread.Start();
    }

    public void Stop()
    {
        if (_isStopping || _timer is null)
        {
            return;
        }

        _isStopping = true;
        _services.Deferred.Urgent -= Wake;
        _timer.Dispose();
        _wake.Release();
        _thread.Join();
    }

    /// <summary>Everything that is due now; the thread calls it, and tests that move the clock.</summary>
    public void RunDue()
    {
        lock (_running)
        {
            long nowMs = _services.NowMs;
            _services.Deferred.RunDue(nowMs);
            foreach (PartitionLog log in _manager.Logs)
            {
                log.FlushIfDue(nowMs);
            }

            RunPeriodic(nowMs);
        }
    }

    private void RunPeriodic(long nowMs)
    {
        if (IsDue(ref _nextRetentionMs, _options.RetentionCheckIntervalMs, nowMs))
        {
            ForEachLog(log => log.ApplyRetention(nowMs));
        }

        if (IsDue(ref _nextExpiryMs, _options.ProducerIdExpirationCheckIntervalMs, nowMs))
        {
            ForEachLog(log => log.ExpireProducers(nowMs));
        }

        if (IsDue(ref _nextIdleSweepMs, IdleSweepIntervalMs, nowMs))
        {
            foreach (PartitionLog log in _manager.Directories.SelectMany(static d => d.Logs))
            {
                // Those that move included.
                log.DropIdle();
            }

        }

        if (IsDue(ref _nextCheckpointsMs, _options.OffsetCheckpointIntervalMs, nowMs))
        {
            WriteCheckpoints(isStop: false);
        }

        if (IsDue(ref _nextHighWatermarksMs, _options.HighWatermarkCheckpointIntervalMs, nowMs))
        {
            WriteHighWatermarks(isStop: false);
        }
    }

    public void WriteCheckpoints(bool isStop)
    {
        foreach (LogDirectory directory in _manager.Directories)
        {
            Guarded(directory, isStop, d =>
            {
                d.RecoveryPoints.Write(Offsets(d, static log => log.RecoveryPointToKeep()));
                d.LogStartOffsets.Write(Offsets(d, static log => log.LogStartToKeep()));
            });
        }

        if (isStop)
        {
            WriteHighWatermarks(isStop);
        }
    }

    private void WriteHighWatermarks(bool isStop)
    {
        foreach (LogDirectory directory in _manager.Directories)
        {
            Guarded(directory, isStop, static d => d.HighWatermarks.Write(Offsets(d, static log => log.HighWatermark)));
        }
    }

    private static List<KeyValuePair<TopicPartition, long>> Offsets(LogDirectory directory, Func<PartitionLog, long?> select)
    {
        List<KeyValuePair<TopicPartition, long>> offsets = [];
        foreach (PartitionLog log in directory.Logs)
        {
            if (select(log) is { } offset)
            {
                offsets.Add(new(log.TopicPartition, offset));
            }
        }

        return offsets;
    }

    private static void Guarded(LogDirectory directory, bool isStop, Action<LogDirectory> write)
    {
        try
        {
            // Without its lock the directory belongs to somebody else: this manager failed to start.
            if (directory.IsOnline && directory.Lock is not null)
            {
                write(directory);
            }
        }
        catch (Exception e) when (directory.TakeOffline(e, "write the checkpoints of", null))
        {
            directory.IsStopIncomplete |= isStop;
        }
    }

    private void ForEachLog(Action<PartitionLog> action)
    {
        foreach (PartitionLog log in _manager.Logs)
        {
            if (_isStopping)
            {
                return;
            }

            action(log);
        }
    }

    private static bool IsDue(ref long nextMs, long intervalMs, long nowMs)
    {
        bool isDue = nowMs >= nextMs;
        if (isDue)
        {
            nextMs = nowMs + intervalMs;
        }

        return isDue;
    }

    private void OnTick()
    {
        Wake();
        _manager.Space.OnTick();
    }

    private void Wake()
    {
        if (_wake.CurrentCount == 0)
        {
            _wake.Release();
        }
    }

    private void Loop()
    {
        while (true)
        {
            _wake.Wait();
            if (_isStopping)
            {
                return;
            }

            RunDue();
        }
    }
}
