using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Broker.Configuration;
using Broker.Protocol;

namespace Broker.Storage;

/// <summary>The start of a <see cref="LogManager"/>: takes each directory, then opens its logs on several threads. Used once.</summary>
internal sealed class DirectoryLoader
{
    // Other parts of Kafka keep these here; they are no partitions of ours.
    private static readonly string[] Skipped = ["remote-log-index-cache", "__cluster_metadata-0"];

    private readonly LogManager _manager;
    private readonly LogManagerOptions _options;
    private readonly LogServices _services;

    public DirectoryLoader(LogManager manager, LogManagerOptions options, LogServices services)
    {
        _manager = manager;
        _options = options;
        _services = services;
    }

    private LogFiles Files => _services.Files;

    public void Load(CancellationToken ct)
    {
        RefuseDuplicates();
        try
        {
            foreach (LogDirectory directory in _manager.Directories)
            {
                Guarded(directory, () => Take(directory));
            }

            if (_manager.Directories.All(static d => !d.IsOnline))
            {
                throw new LoadException(
                    $"Shutdown broker because none of the specified log dirs from {string.Join(", ", _options.Directories)} can be created or validated");
            }

            foreach (LogDirectory directory in _manager.Directories)
            {
                if (directory.IsOnline)
                {
                    Guarded(directory, () => LoadLogs(directory, ct));
                    directory.CheckSpace();
                }
            }
        }
        catch
        {
            foreach (LogDirectory directory in _manager.Directories)
            {
                directory.Lock?.Dispose();
                directory.Lock = null;
            }

            throw;
        }
    }

    private void RefuseDuplicates()
    {
        HashSet<string> seen = [];
        foreach (LogDirectory directory in _manager.Directories)
        {
            if (!seen.Add(Path.TrimEndingDirectorySeparator(directory.Path)))
            {
                throw new LoadException($"Duplicate log directory found: {string.Join(", ", _options.Directories)}");
            }
        }
    }

    private void Take(LogDirectory directory)
    {
        Files.CreateDirectory(directory.Path);
        directory.Lock = DirectoryLock.Acquire(Files, directory.Path);
        MetaProperties? stored = MetaProperties.Read(Files, directory.Path);
        if (stored is not null)
        {
            MetaProperties.Check(stored, directory.Path, _options.ClusterId, _options.BrokerId);
        }

        if (stored?.ClusterId is null && Files.List(directory.Path).Any(static e => e.IsDirectory))
        {
            _services.Logger.MetaPropertiesRestored(Path.Combine(directory.Path, MetaProperties.FileName), "cluster.id");
        }

        MetaProperties current = new(0, _options.ClusterId ?? stored?.ClusterId, _options.BrokerId);
        if (stored != current)
        {
            current.Write(Files, directory.Path, _services.Time.GetUtcNow());
        }
    }

    private void LoadLogs(LogDirectory directory, CancellationToken ct)
    {
        string marker = Path.Combine(directory.Path, LogDirectory.CleanShutdownMarker);
        bool isClean = Files.Exists(marker);
        if (isClean)
        {
            // First of all: should this start fail half way, the next one must recover.
            Files.Delete(marker);
            Files.FlushDirectory(directory.Path);
        }

        List<(string Path, TopicPartition Partition, bool IsFuture)> found = FindPartitions(directory);
        bool hasLogs = found.Count > 0;
        Dictionary<TopicPartition, long>? recoveryPoints = ReadOrIgnore(directory.RecoveryPoints, isClean && hasLogs);
        Dictionary<TopicPartition, long>? startOffsets = ReadOrIgnore(directory.LogStartOffsets, isClean && hasLogs);
        Dictionary<TopicPartition, long>? highWatermarks = ReadOrIgnore(directory.HighWatermarks, isClean && hasLogs);

        // Damaged, it says nothing: then any log may have gaps.
        Dictionary<TopicPartition, long>? cleanerOffsets = ReadOrIgnore(directory.CleanerOffsets, isExpected: false);
        directory.HasLostCleanerOffsets = cleanerOffsets is null;
        _services.Logger.Loading(found.Count, directory.Path, isClean ? "clean" : "not clean: segments from the recovery points on are checked");
        ConcurrentDictionary<string, TopicConfig> configs = new(StringComparer.Ordinal);
        ParallelOptions threads = new() { MaxDegreeOfParallelism = Math.Max(1, _options.RecoveryThreadsPerDirectory), CancellationToken = ct };
        try
        {
            Parallel.ForEach(found, threads, each =>
            {
                LogCheckpoints checkpoints = new(
                    recoveryPoints?.GetValueOrDefault(each.Partition) ?? 0,
                    highWatermarks?.GetValueOrDefault(each.Partition) ?? 0,
                    startOffsets?.GetValueOrDefault(each.Partition) ?? 0,
                    cleanerOffsets?.GetValueOrDefault(each.Partition, -1) ?? -1,
                    cleanerOffsets is null ? long.MaxValue : cleanerOffsets.GetValueOrDefault(each.Partition, -1));
                PartitionLog log = Open(directory, each.Path, each.Partition, each.IsFuture, configs.GetOrAdd(each.Partition.Topic, _options.ConfigOf), checkpoints, isClean);
                if (each.IsFuture)
                {
                    _manager.RegisterFuture(log);
                }
                else
                {
                    _manager.Register(log);
                }
            });
        }
        catch (AggregateException e)
        {
            // The first failure tells the story; the others are its echoes.
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e.Flatten().InnerExceptions[0]);
        }
    }

    private List<(string Path, TopicPartition Partition, bool IsFuture)> FindPartitions(LogDirectory directory)
    {
        List<(string Path, TopicPartition Partition, bool IsFuture)> found = [];
        foreach (FileEntry entry in Files.List(directory.Path))
        {
            if (!entry.IsDirectory || Skipped.Contains(entry.Name) || _options.ForeignDirectories.Contains(entry.Name))
            {
                continue;
            }

            string path = Path.Combine(directory.Path, entry.Name);
            if (LogFileNames.IsMarked(entry.Name, LogFileNames.DeleteDirectory))
            {
                _manager.DeleteLater(directory, path, _options.ConfigOf(PartitionOf(entry.Name).Topic).FileDeleteDelayMs, null);
            }
            else if (LogFileNames.IsMarked(entry.Name, LogFileNames.FutureDirectory))
            {
                found.Add((path, PartitionOf(entry.Name), true));
            }
            else if (LogFileNames.IsMarked(entry.Name, LogFileNames.StrayDirectory))
            {
                _services.Logger.DirectorySkipped(path);
            }
            else if (LogFileNames.TryParseDirectory(entry.Name, out TopicPartition partition))
            {
                found.Add((path, partition, false));
            }
            else
            {
                throw new LoadException(
                    $"Found directory {path}, '{entry.Name}' is not in the form of topic-partition or topic-partition.uniqueId-delete (if marked for deletion). "
                    + "Kafka's log directories (and children) should only contain Kafka topic data.");
            }
        }

        return found;
    }

    private static TopicPartition PartitionOf(string marked)
    {
        _ = LogFileNames.TryParseDirectory(marked.AsSpan(0, marked.LastIndexOf('.')), out TopicPartition partition);
        return partition;
    }

    /// <summary>A log that makes the loader stumble must not take the others with it, nor the broker at every start.</summary>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever is wrong with the files of one partition is logged with its name, and the others are served.")]
    private PartitionLog Open(LogDirectory directory, string path, TopicPartition partition, bool isFuture, TopicConfig config, LogCheckpoints checkpoints, bool isClean)
    {
        try
        {
            LoadedLog log = LogLoader.Load(_services, path, partition, config, checkpoints, isClean);
            return new PartitionLog(_services, directory, log, config) { CleanedUpTo = checkpoints.CleanedUpTo, IsFuture = isFuture };
        }
        catch (Exception e) when (e is not (IOException or UnauthorizedAccessException or LoadException))
        {
            _services.Logger.PartitionUnreadable(e, partition, path);
            return PartitionLog.Unreadable(_services, directory, path, partition, config, checkpoints, isFuture);
        }
    }

    /// <summary>A damaged checkpoint costs time (more is recovered), not data. Null for one.</summary>
    private Dictionary<TopicPartition, long>? ReadOrIgnore(OffsetCheckpoint checkpoint, bool isExpected)
    {
        try
        {
            if (isExpected && !Files.Exists(checkpoint.FilePath))
            {
                _services.Logger.CheckpointMissing(checkpoint.FilePath);
            }

            return checkpoint.Read();
        }
        catch (InvalidDataException e)
        {
            _services.Logger.CheckpointIgnored(e, checkpoint.FilePath);
            return null;
        }
    }

    private static void Guarded(LogDirectory directory, Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            directory.StayOffline(e);
        }
    }
}
