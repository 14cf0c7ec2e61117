using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Broker.Configuration;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Storage;

/// <summary>
/// Owns the log directories, every partition's log and all background work on them. Life: construct, <see cref="LoadAsync"/> once, use, <see cref="ShutdownAsync"/> once.
/// Thread-safe in between.
/// </summary>
public sealed class LogManager : IAsyncDisposable
{
    // Beyond this, one flush of the file system costs less than several for each log.
    private const int FlushOneByOneUpTo = 64;

    private readonly LogManagerOptions _options;
    private readonly LogServices _services;
    private readonly LogDirectory[] _directories;
    private readonly ConcurrentDictionary<TopicPartition, PartitionLog> _logs = [];
    private readonly Lock _placement = new();
    private readonly LogMaintenance _maintenance;
    private readonly LogCleaner _cleaner;
    private readonly DiskSpaceWatch _space;
    private int _isStopped;

    public LogManager(LogManagerOptions options, TimeProvider time, ILoggerFactory loggers)
        : this(options, time, loggers, LogFiles.Disk)
    {
    }

    internal LogManager(LogManagerOptions options, TimeProvider time, ILoggerFactory loggers, LogFiles files)
    {
        _options = options;
        ILogger logger = loggers.CreateLogger("Broker.Storage");
        _services = new LogServices(files, time, logger, new DeferredWork(), options.ProducerIdExpirationMs) { VerifiesTransactions = options.VerifiesTransactions, Omits = options.Omits };
        _directories = [.. options.Directories.Select(path => new LogDirectory(Path.GetFullPath(path), files, logger) { MinFreeBytes = options.MinFreeBytes, Time = time })];
        foreach (LogDirectory directory in _directories)
        {
            directory.RoomFound += () => RoomFound?.Invoke();
            directory.Failed += () => DirectoryFailed?.Invoke();
        }

        _space = new DiskSpaceWatch(_directories);
        _maintenance = new LogMaintenance(this, options, _services);
        _cleaner = new LogCleaner(this, options.Cleaner, _services);
    }

    public IReadOnlyCollection<PartitionLog> Logs => (IReadOnlyCollection<PartitionLog>)_logs.Values;

    public IReadOnlyList<LogDirectory> Directories => _directories;

    /// <summary>Raised, on any thread, after a directory that was full has room again.</summary>
    public event Action? RoomFound;

    /// <summary>Raised, on any thread and perhaps with the lock of a log held, after a directory was taken offline: handlers must not wait.</summary>
    public event Action? DirectoryFailed;

    internal DiskSpaceWatch Space => _space;

    internal LogMaintenance Maintenance => _maintenance;

    internal LogCleaner Cleaner => _cleaner;

    /// <summary>Locks the directories, checks meta.properties, opens and where needed recovers every log, starts the background work.</summary>
    /// <exception cref="LoadException">The broker must not start with these directories.</exception>
    public Task LoadAsync(CancellationToken ct) => Task.Run(() => Load(ct), ct);

    public PartitionLog? Find(TopicPartition tp) => _logs.GetValueOrDefault(tp);

    /// <summary>
    /// An existing log is returned as it is (a missing topic id is added; whether another one means trouble is the caller's business); a new one goes to the online
    /// directory with room that has the fewest logs.
    /// </summary>
    /// <exception cref="NoLogDirectoryException">No directory is online, or none of them has room.</exception>
    public PartitionLog GetOrCreate(TopicPartition tp, Guid topicId, TopicConfig config)
    {
        if (_logs.TryGetValue(tp, out PartitionLog? existing) && (existing.TopicId == topicId || topicId == Guid.Empty))
        {
            return existing;
        }

        lock (_placement)
        {
            if (_logs.TryGetValue(tp, out existing))
            {
                AddTopicId(existing, topicId);
                return existing;
            }

            while (TryPlace(out LogDirectory? directory))
            {
                if (TryCreate(directory, tp, topicId, config, out PartitionLog? created))
                {
                    return created;
                }
            }
        }

        throw new NoLogDirectoryException($"No log directory can hold {tp}: {WhyNoRoom()}");
    }

    /// <summary>Why no partition can be made at present; null when one can.</summary>
    public string? WhyNoRoom()
    {
        if (TryPlace(out _))
        {
            return null;
        }

        string[] full = [.. _directories.Where(static d => d.IsOnline).Select(static d => d.Refusal).OfType<string>()];
        return full.Length > 0 ? string.Join("; ", full) : $"none is online. Repair one of {string.Join(", ", _options.Directories)} and start again";
    }

    /// <summary>The log is gone for callers at once; its directory is renamed now and removed after file.delete.delay.ms.</summary>
    public void Delete(TopicPartition tp)
    {
        lock (_placement)
        {
            if (!_logs.TryRemove(tp, out PartitionLog? log))
            {
                return;
            }

            log.Directory.LogsByPartition.TryRemove(tp, out _);
            log.Retire();
            try
            {
                string marked = Path.Combine(log.Directory.Path, LogFileNames.MarkedForDeletion(tp, Guid.NewGuid()));
                log.MoveTo(marked);
                _services.Logger.LogDeleted(tp, marked, log.Config.FileDeleteDelayMs);
                DeleteLater(log.Directory, marked, log.Config.FileDeleteDelayMs, log);
            }
            catch (DiskFullException) when (log.Directory.RanFull())
            {
                // No room for the new name, and under the old one a topic made anew would find it.
                RemoveNow(log.Directory, log.DirectoryPath, log);
            }
            catch (Exception e) when (log.Directory.TakeOffline(e, "delete", tp))
            {
            }
        }
    }

    /// <summary>
    /// Takes a log that nobody serves out of the way of another one of its name, without deleting anything: its directory gets the name of a stray one, which no start looks into.
    /// Null when that failed, else the new path.
    /// </summary>
    public string? SetAside(TopicPartition tp)
    {
        lock (_placement)
        {
            if (!_logs.TryGetValue(tp, out PartitionLog? log))
            {
                return null;
            }

            string aside = Path.Combine(log.Directory.Path, LogFileNames.Marked(tp, Guid.NewGuid(), LogFileNames.StrayDirectory));
            try
            {
                log.Retire();
                log.MoveTo(aside);
                log.CloseFiles();
                _logs.TryRemove(tp, out _);
                log.Directory.LogsByPartition.TryRemove(tp, out _);
                return aside;
            }
            catch (Exception e) when (log.Directory.TakeOffline(e, "set aside", tp))
            {
                return null;
            }
        }
    }

    /// <summary>Flushes and closes every log and marks the directories clean, so that the next start need not recover.</summary>
    public Task ShutdownAsync() => Task.Run(Shutdown);

    public ValueTask DisposeAsync() => new(ShutdownAsync());

    /// <summary>Ends as a crash would: nothing is flushed or written, only the operating system's part (locks, handles) is done. For tests.</summary>
    internal void Abandon()
    {
        _isStopped = 1;
        _cleaner.Stop();
        _maintenance.Stop();
        foreach (LogDirectory directory in _directories)
        {
            foreach (PartitionLog log in directory.Logs)
            {
                log.CloseFiles();
            }

            directory.Lock?.Dispose();
        }
    }

    internal void Register(PartitionLog log)
    {
        if (!_logs.TryAdd(log.TopicPartition, log))
        {
            throw new LoadException(
                $"Duplicate log directories for {log.TopicPartition} are found in both {_logs[log.TopicPartition].DirectoryPath} and {log.DirectoryPath}. "
                + "Delete one of the two, the one in a directory that has failed if there is such.");
        }

        log.Directory.LogsByPartition[log.TopicPartition] = log;
    }

    internal void DeleteLater(LogDirectory directory, string path, long delayMs, PartitionLog? log) =>
        _services.Deferred.At(_services.NowMs + delayMs, () => RemoveNow(directory, path, log));

    private void RemoveNow(LogDirectory directory, string path, PartitionLog? log)
    {
        try
        {
            if (directory.IsOnline)
            {
                log?.CloseFiles();
                _services.Files.DeleteDirectory(path);
            }
        }
        catch (DirectoryNotFoundException)
        {
            // It was not even made.
        }
        catch (Exception e) when (directory.TakeOffline(e, "remove the deleted directory of", log?.TopicPartition))
        {
        }
    }

    private void Load(CancellationToken ct)
    {
        long started = _services.Time.GetTimestamp();
        new DirectoryLoader(this, _options, _services).Load(ct);
        _services.Logger.Loaded(_logs.Count, (long)_services.Time.GetElapsedTime(started).TotalMilliseconds);
        if (_options.HasThreads)
        {
            _maintenance.Start();
            _cleaner.Start();
        }
    }

    private bool TryPlace([NotNullWhen(true)] out LogDirectory? chosen)
    {
        chosen = null;
        foreach (LogDirectory directory in _directories)
        {
            if (directory.IsOnline && directory.Room <= DiskRoom.Tight && (chosen is null || directory.LogsByPartition.Count < chosen.LogsByPartition.Count))
            {
                chosen = directory;
            }
        }

        return chosen is not null;
    }

    private bool TryCreate(LogDirectory directory, TopicPartition tp, Guid topicId, TopicConfig config, [NotNullWhen(true)] out PartitionLog? created)
    {
        created = null;
        string path = Path.Combine(directory.Path, tp.ToString());
        try
        {
            // An entry of a deleted namesake would be taken for this log's after a crash.
            directory.RecoveryPoints.Forget(tp);
            directory.LogStartOffsets.Forget(tp);
            directory.CleanerOffsets.Forget(tp);
            LoadedLog log = LogLoader.Create(_services, path, tp, topicId, config);
            created = new PartitionLog(_services, directory, log, config);
            Register(created);
            _services.Logger.LogCreated(tp, directory.Path);
            return true;
        }
        catch (DiskFullException) when (directory.RanFull())
        {
            RemoveNow(directory, path, null);
            return false;
        }
        catch (Exception e) when (directory.TakeOffline(e, "create", tp))
        {
            return false;
        }
    }

    private static void AddTopicId(PartitionLog log, Guid topicId)
    {
        if (log.IsUnreadable)
        {
            log.AssumeTopicId(topicId);
        }

        if (log.TopicId != Guid.Empty || topicId == Guid.Empty || log.IsOffline)
        {
            return;
        }

        try
        {
            log.SetTopicId(topicId);
        }
        catch (Exception e) when (log.Directory.TakeOffline(e, "write the topic id of", log.TopicPartition))
        {
        }
    }

    private void Shutdown()
    {
        if (Interlocked.Exchange(ref _isStopped, 1) != 0)
        {
            return;
        }

        _cleaner.Stop();
        _maintenance.Stop();
        foreach (LogDirectory directory in _directories)
        {
            CloseLogs(directory);
        }

        _maintenance.WriteCheckpoints(isStop: true);
        foreach (LogDirectory directory in _directories)
        {
            MarkClean(directory);
            directory.Lock?.Dispose();
        }

        _services.Logger.Stopped(_logs.Count);
    }

    private void CloseLogs(LogDirectory directory)
    {
        PartitionLog[] logs = [.. directory.Logs];
        ConcurrentBag<PartitionLog> dirty = [];
        ForEach(directory, logs, log =>
        {
            if (log.PrepareClose())
            {
                dirty.Add(log);
            }
        });

        bool isFlushed = dirty.Count > FlushOneByOneUpTo && FlushWhole(directory);
        ForEach(directory, dirty, log => log.CloseCleanly(isFlushed));
        ForEach(directory, logs, static log => log.CloseFiles());
    }

    /// <summary>Several logs at a time: each waits for the disk on its own.</summary>
    private void ForEach(LogDirectory directory, IReadOnlyCollection<PartitionLog> logs, Action<PartitionLog> action) =>
        Parallel.ForEach(logs, new ParallelOptions { MaxDegreeOfParallelism = Math.Max(1, _options.RecoveryThreadsPerDirectory) }, log =>
        {
            try
            {
                if (directory.IsOnline)
                {
                    action(log);
                }
            }
            catch (Exception e) when (directory.TakeOffline(e, "close", log.TopicPartition))
            {
                directory.IsStopIncomplete = true;
            }
        });

    private bool FlushWhole(LogDirectory directory)
    {
        try
        {
            return directory.IsOnline && _services.Files.FlushFileSystem(directory.Path);
        }
        catch (Exception e) when (directory.TakeOffline(e, "flush", null))
        {
            return false;
        }
    }

    private void MarkClean(LogDirectory directory)
    {
        if (directory.IsStopIncomplete && directory.IsOnline)
        {
            _services.Logger.StopIncomplete(directory.Path);
            return;
        }

        try
        {
            // Without the lock this process never had the directory.
            if (directory.IsOnline && directory.Lock is not null)
            {
                if (directory.HasLostCleanerOffsets)
                {
                    directory.WriteCleanerOffsets();
                }

                _services.Files.Replace(Path.Combine(directory.Path, LogDirectory.CleanShutdownMarker), "{\"version\":0,\"brokerEpoch\":-1}"u8, durable: true);
            }
        }
        catch (Exception e) when (directory.TakeOffline(e, "mark clean", null))
        {
        }
    }
}
