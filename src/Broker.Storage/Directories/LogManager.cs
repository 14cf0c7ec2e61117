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
public sealed partial class LogManager : IAsyncDisposable
{
    // Beyond this, one flush of the file system costs less than several for each log.
    private const int FlushOneByOneUpTo = 64;

    private const long RemoveAgainMs = 1000;

    private readonly LogManagerOptions _options;
    private readonly LogServices _services;
    private readonly LogDirectory[] _directories;
    private readonly ConcurrentDictionary<TopicPartition, PartitionLog> _logs = [];
    private readonly Lock _placement = new();
    private readonly LogMaintenance _maintenance;
    private readonly LogCleaner _cleaner;
    private readonly LogMover _mover;
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
        _mover = new LogMover(this, options.Moves, _services, options.HasThreads);
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
    /// An existing log is returned as it is, with its topic id added when it has none; a new one goes to the directory that was asked for, else to the online one with room that
    /// has the fewest logs.
    /// </summary>
    /// <exception cref="InconsistentTopicIdException">The log that is there is of another topic.</exception>
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
                return existing.TopicId == topicId || topicId == Guid.Empty || existing.TopicId == Guid.Empty
                    ? existing
                    : throw new InconsistentTopicIdException(
                        $"The log of {tp} in {existing.DirectoryPath} belongs to topic id {Uuids.ToText(existing.TopicId)}, not to {Uuids.ToText(topicId)}", existing.TopicId);
            }

            while (TryPlace(tp, out LogDirectory? directory))
            {
                if (TryCreate(directory, tp, topicId, config, isFuture: false, out PartitionLog? created))
                {
                    Register(created);
                    _preferred.Remove(tp);
                    return created;
                }
            }
        }

        throw new NoLogDirectoryException($"No log directory can hold {tp}: {WhyNoRoom()}");
    }

    /// <summary>Why no partition can be made at present; null when one can.</summary>
    public string? WhyNoRoom()
    {
        if (TryPlace(null, out _))
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
            CancelMove(tp);
            if (_logs.TryRemove(tp, out PartitionLog? log))
            {
                log.Directory.LogsByPartition.TryRemove(tp, out _);
                Discard(log);
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

            CancelMove(tp);
            string aside = Path.Combine(log.Directory.Path, LogFileNames.Marked(tp, Guid.NewGuid(), LogFileNames.StrayDirectory));
            try
            {
                log.Retire();
                log.MoveTo(aside);
                log.Directory.HasUnflushedNames = true;
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
        _mover.Stop();
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

    /// <exception cref="LoadException">There are two logs of the partition, and neither is a copy of the other.</exception>
    internal void Register(PartitionLog log)
    {
        lock (_placement)
        {
            log = _logs.TryGetValue(log.TopicPartition, out PartitionLog? other) ? OneOf(other, log) : log;
            _logs[log.TopicPartition] = log;
            log.Directory.LogsByPartition[log.TopicPartition] = log;
        }
    }

    internal void DeleteLater(LogDirectory directory, string path, long delayMs, PartitionLog? log) =>
        _services.Deferred.At(_services.NowMs + delayMs, () => RemoveNow(directory, path, log, mayWait: true));

    // It may wait when the name is one of a deleted log, which nobody else will want.
    private void RemoveNow(LogDirectory directory, string path, PartitionLog? log, bool mayWait = false)
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
        catch (IOException e) when (mayWait && LogFiles.IsNotEmpty(e))
        {
            // A flush or a pass of the cleaner that began before made another file in it meanwhile.
            DeleteLater(directory, path, RemoveAgainMs, log);
        }
        catch (Exception e) when (directory.TakeOffline(e, "remove the deleted directory of", log?.TopicPartition))
        {
        }
    }

    private void Load(CancellationToken ct)
    {
        long started = _services.Time.GetTimestamp();
        new DirectoryLoader(this, _options, _services).Load(ct);
        ResumeMoves();
        _services.Logger.Loaded(_logs.Count, (long)_services.Time.GetElapsedTime(started).TotalMilliseconds);
        if (_options.HasThreads)
        {
            _maintenance.Start();
            _cleaner.Start();
        }
    }

    /// <summary>The directory that was asked for, when it works; else the one with the fewest logs.</summary>
    private bool TryPlace(TopicPartition? tp, [NotNullWhen(true)] out LogDirectory? chosen)
    {
        if (tp is { } partition && _preferred.TryGetValue(partition, out chosen) && IsUsable(chosen))
        {
            return true;
        }

        chosen = null;
        foreach (LogDirectory directory in _directories)
        {
            if (IsUsable(directory) && (chosen is null || directory.LogsByPartition.Count < chosen.LogsByPartition.Count))
            {
                chosen = directory;
            }
        }

        return chosen is not null;
    }

    private static bool IsUsable(LogDirectory directory) => directory.IsOnline && directory.Room <= DiskRoom.Tight;

    private bool TryCreate(LogDirectory directory, TopicPartition tp, Guid topicId, TopicConfig config, bool isFuture, [NotNullWhen(true)] out PartitionLog? created)
    {
        created = null;
        foreach (LogDirectory each in _directories)
        {
            FlushNames(each);
        }

        string path = Path.Combine(directory.Path, isFuture ? LogFileNames.Marked(tp, Guid.NewGuid(), LogFileNames.FutureDirectory) : tp.ToString());
        try
        {
            // An entry of a deleted namesake would be taken for this log's after a crash.
            directory.RecoveryPoints.Forget(tp);
            directory.LogStartOffsets.Forget(tp);
            directory.CleanerOffsets.Forget(tp);
            if (isFuture)
            {
                directory.HighWatermarks.Forget(tp);
            }

            LoadedLog log = LogLoader.Create(_services, path, tp, topicId, config);
            created = new PartitionLog(_services, directory, log, config) { IsFuture = isFuture };
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

        _mover.Stop();
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
