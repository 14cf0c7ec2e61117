using System.Collections.Concurrent;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Storage;

/// <summary>
/// One entry of log.dirs: its lock, checkpoints, logs and free space. The one door for I/O errors: <see cref="TakeOffline"/>. Thread-safe. Owns .lock, meta.properties,
/// the checkpoints and .kafka_cleanshutdown of the directory.
/// </summary>
public sealed partial class LogDirectory
{
    internal const string CleanShutdownMarker = ".kafka_cleanshutdown";

    private readonly LogFiles _files;
    private readonly ILogger _logger;
    private readonly Lock _cleanerOffsets = new();
    private volatile bool _isOnline = true;

    internal LogDirectory(string path, LogFiles files, ILogger logger)
    {
        Path = path;
        _files = files;
        _logger = logger;
        RecoveryPoints = new OffsetCheckpoint(files, path, OffsetCheckpoint.RecoveryPoints);
        HighWatermarks = new OffsetCheckpoint(files, path, OffsetCheckpoint.HighWatermarks);
        CleanerOffsets = new OffsetCheckpoint(files, path, OffsetCheckpoint.CleanerOffsets);
        LogStartOffsets = new OffsetCheckpoint(files, path, OffsetCheckpoint.LogStartOffsets);
    }

    public string Path { get; }

    /// <summary>False from the first I/O error until the next start; its partitions answer KAFKA_STORAGE_ERROR.</summary>
    public bool IsOnline => _isOnline;

    /// <summary>Size of the file system, -1 when unknown.</summary>
    public long TotalBytes => _files.Space(Path).TotalBytes;

    public long UsableBytes => _files.Space(Path).UsableBytes;

    public IReadOnlyCollection<PartitionLog> Logs => (IReadOnlyCollection<PartitionLog>)LogsByPartition.Values;

    internal ConcurrentDictionary<TopicPartition, PartitionLog> LogsByPartition { get; } = [];

    internal OffsetCheckpoint RecoveryPoints { get; }

    internal OffsetCheckpoint HighWatermarks { get; }

    internal OffsetCheckpoint LogStartOffsets { get; }

    internal OffsetCheckpoint CleanerOffsets { get; }

    /// <summary>cleaner-offset-checkpoint was damaged. It stays as it is until the recovery points have passed all gaps that it knew of: the next clean stop.</summary>
    internal bool HasLostCleanerOffsets { get; set; }

    /// <summary>A log was renamed away, and the disk may not know yet.</summary>
    internal bool HasUnflushedNames { get; set; }

    internal DirectoryLock? Lock { get; set; }

    /// <summary>Something of a clean stop could not be written: the next start must not take it for one.</summary>
    internal bool IsStopIncomplete { get; set; }

    /// <summary>Raised once, on any thread and perhaps with the lock of a log held.</summary>
    internal event Action? Failed;

    /// <summary>
    /// An exception filter. True for an I/O error, which takes the directory offline for good: after a failed write or flush nobody knows what is on the disk.
    /// True as well when there was no room, which only stops appends until there is some again. False for anything else, which is a bug and goes on up.
    /// </summary>
    internal bool TakeOffline(Exception cause, string operation, TopicPartition? partition)
    {
        if (cause is DiskFullException)
        {
            return RanFull();
        }

        if (cause is not (IOException or UnauthorizedAccessException or ObjectDisposedException))
        {
            return false;
        }

        // A handle closed by a shutdown or a finished deletion says nothing about the disk.
        if (cause is not ObjectDisposedException && _isOnline)
        {
            _isOnline = false;
            _logger.DirectoryOffline(cause, Path, operation, partition?.ToString() ?? "its files");
            Failed?.Invoke();
        }

        return true;
    }

    /// <summary>
    /// How far each log has been cleaned. Collected and written under one lock, so that an older state never overwrites a newer one: an offset that a truncation
    /// lowered must not come back.
    /// </summary>
    internal void WriteCleanerOffsets()
    {
        lock (_cleanerOffsets)
        {
            List<KeyValuePair<TopicPartition, long>> offsets = [];
            foreach (PartitionLog log in LogsByPartition.Values)
            {
                if (log.CleanedUpTo is var offset and >= 0)
                {
                    offsets.Add(new(log.TopicPartition, offset));
                }
            }

            CleanerOffsets.Write(offsets);
        }
    }

    internal void StayOffline(Exception cause)
    {
        _isOnline = false;
        _logger.DirectoryUnusable(cause, Path);
    }
}
