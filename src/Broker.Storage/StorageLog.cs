using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Storage;

/// <summary>Every log line of this project.</summary>
internal static partial class StorageLog
{
    [LoggerMessage(1, LogLevel.Critical, "Log directory {Directory} is offline after an I/O error while it was to {Operation} {Partition}. Its partitions answer KAFKA_STORAGE_ERROR until the next start.")]
    public static partial void DirectoryOffline(this ILogger logger, Exception cause, string directory, string operation, string partition);

    [LoggerMessage(2, LogLevel.Error, "Log directory {Directory} cannot be used and stays offline.")]
    public static partial void DirectoryUnusable(this ILogger logger, Exception cause, string directory);

    [LoggerMessage(3, LogLevel.Information, "Loading {Count} logs from {Directory}; the last shutdown was {Shutdown}")]
    public static partial void Loading(this ILogger logger, int count, string directory, string shutdown);

    [LoggerMessage(4, LogLevel.Information, "Loaded {Count} logs in {Milliseconds} ms")]
    public static partial void Loaded(this ILogger logger, int count, long milliseconds);

    [LoggerMessage(5, LogLevel.Warning, "Ignoring checkpoint {Path}: starting from zero")]
    public static partial void CheckpointIgnored(this ILogger logger, Exception cause, string path);

    [LoggerMessage(6, LogLevel.Warning, "[Log partition={Partition}] Cut {Bytes} bytes from segment {BaseOffset} at offset {EndOffset}: no intact batch follows")]
    public static partial void TailCut(this ILogger logger, TopicPartition partition, long bytes, long baseOffset, long endOffset);

    [LoggerMessage(7, LogLevel.Warning, "[Log partition={Partition}] Deleting segment {BaseOffset}: it lies behind a damaged one")]
    public static partial void SegmentBehindDamage(this ILogger logger, TopicPartition partition, long baseOffset);

    [LoggerMessage(8, LogLevel.Debug, "[Log partition={Partition}] Recovered segment {BaseOffset} up to offset {EndOffset}")]
    public static partial void SegmentRecovered(this ILogger logger, TopicPartition partition, long baseOffset, long endOffset);

    [LoggerMessage(9, LogLevel.Debug, "[Log partition={Partition}] Rolled a new segment at offset {BaseOffset}")]
    public static partial void Rolled(this ILogger logger, TopicPartition partition, long baseOffset);

    [LoggerMessage(10, LogLevel.Debug, "[Log partition={Partition}] Deleting segment {BaseOffset} ({Size} bytes, largest timestamp {LargestTimestampMs}): {Reason}")]
    public static partial void SegmentDeleted(this ILogger logger, TopicPartition partition, long baseOffset, long size, long largestTimestampMs, string reason);

    [LoggerMessage(11, LogLevel.Debug, "[Log partition={Partition}] Retention keeps {Segments} segments, {Size} bytes: {Reason}")]
    public static partial void RetentionKept(this ILogger logger, TopicPartition partition, int segments, long size, string reason);

    [LoggerMessage(12, LogLevel.Information, "[Log partition={Partition}] Log start offset is now {LogStartOffset}: {Reason}")]
    public static partial void LogStartAdvanced(this ILogger logger, TopicPartition partition, long logStartOffset, string reason);

    [LoggerMessage(13, LogLevel.Information, "[Log partition={Partition}] Truncated to offset {Offset}")]
    public static partial void Truncated(this ILogger logger, TopicPartition partition, long offset);

    [LoggerMessage(14, LogLevel.Information, "[Log partition={Partition}] Created in {Directory}")]
    public static partial void LogCreated(this ILogger logger, TopicPartition partition, string directory);

    [LoggerMessage(15, LogLevel.Information, "[Log partition={Partition}] Renamed to {Directory}; it is deleted in {DelayMs} ms")]
    public static partial void LogDeleted(this ILogger logger, TopicPartition partition, string directory, long delayMs);

    [LoggerMessage(16, LogLevel.Warning, "Producer snapshot {Path} is damaged and was deleted")]
    public static partial void SnapshotDamaged(this ILogger logger, string path);

    [LoggerMessage(17, LogLevel.Information, "Leaving directory {Path} alone")]
    public static partial void DirectorySkipped(this ILogger logger, string path);

    [LoggerMessage(18, LogLevel.Information, "Log manager stopped: {Count} logs closed")]
    public static partial void Stopped(this ILogger logger, int count);

    [LoggerMessage(19, LogLevel.Warning, "Ignoring {Path}: it is damaged and is written again")]
    public static partial void FileIgnored(this ILogger logger, Exception cause, string path);

    [LoggerMessage(
        20,
        LogLevel.Error,
        "Log directory {Directory} is full: {UsableBytes} bytes are free and log.dirs.min.free.bytes keeps {ReserveBytes} of them for metadata. Producers are refused "
        + "with KAFKA_STORAGE_ERROR until there is room; reads and retention go on.")]
    public static partial void DirectoryFull(this ILogger logger, string directory, long usableBytes, long reserveBytes);

    [LoggerMessage(21, LogLevel.Warning, "Log directory {Directory} has room again, {UsableBytes} bytes are free: producers are served")]
    public static partial void DirectoryHasRoom(this ILogger logger, string directory, long usableBytes);

    [LoggerMessage(22, LogLevel.Warning, "Log directory {Directory} is not marked as cleanly stopped, because there was no room to write all of it: the next start checks its logs")]
    public static partial void StopIncomplete(this ILogger logger, string directory);

    [LoggerMessage(
        30,
        LogLevel.Information,
        "[Log partition={Partition}] Cleaned offsets {From} to {To}: {BytesRead} bytes became {BytesWritten}, {RecordsRead} records {RecordsWritten} "
        + "({WithoutKey} had no key); map {MapUse:F1} % full; {Milliseconds} ms")]
    public static partial void LogCleaned(
        this ILogger logger, TopicPartition partition, long from, long to, long bytesRead, long bytesWritten, long recordsRead, long recordsWritten,
        long withoutKey, double mapUse, long milliseconds);

    [LoggerMessage(31, LogLevel.Debug, "[Log partition={Partition}] {Count} segments from {BaseOffset} on became one of {Size} bytes")]
    public static partial void SegmentsCleaned(this ILogger logger, TopicPartition partition, int count, long baseOffset, int size);

    [LoggerMessage(32, LogLevel.Information, "[Log partition={Partition}] Cleaning ends early: {Reason}")]
    public static partial void CleaningAborted(this ILogger logger, TopicPartition partition, string reason);

    [LoggerMessage(
        33,
        LogLevel.Error,
        "[Log partition={Partition}] cannot be cleaned and is left as it is until the next start: {Reason}. Its records stay readable where they are sound; "
        + "delete those up to the damage with kafka-delete-records, or recreate the topic.")]
    public static partial void Uncleanable(this ILogger logger, Exception cause, TopicPartition partition, string reason);
}
