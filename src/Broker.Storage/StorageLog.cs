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

    [LoggerMessage(65, LogLevel.Information, "[Log partition={Partition}] Cut {Bytes} zero bytes from segment {BaseOffset} at offset {EndOffset}: nothing was written there, or no more than the start of a batch")]
    public static partial void ZerosCut(this ILogger logger, TopicPartition partition, long bytes, long baseOffset, long endOffset);

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

    [LoggerMessage(50, LogLevel.Warning, "Built {Path} again from the log: {Reason}")]
    public static partial void IndexRebuilt(this ILogger logger, string path, string reason);

    [LoggerMessage(51, LogLevel.Error, "[Log partition={Partition}] Records cannot be read: the log is damaged. Readers that come to the place get CORRUPT_MESSAGE; those behind it are served.")]
    public static partial void SegmentDamaged(this ILogger logger, Exception cause, TopicPartition partition);

    [LoggerMessage(52, LogLevel.Error, "Producers are read from a damaged log as far as it goes")]
    public static partial void SegmentUnreadable(this ILogger logger, Exception cause);

    [LoggerMessage(23, LogLevel.Warning, "Deleting index {Path}: the log that it belongs to is missing")]
    public static partial void IndexWithoutLog(this ILogger logger, string path);

    [LoggerMessage(24, LogLevel.Warning, "Deleting {Path}, left by a cleaner: {Reason}")]
    public static partial void SwapGivenUp(this ILogger logger, string path, string reason);

    [LoggerMessage(25, LogLevel.Error, "Cut {Bytes} bytes from {Path}, left by a cleaner, at byte {Position}: no intact batch follows, and the segments that it was made from are gone")]
    public static partial void SwapCut(this ILogger logger, string path, long bytes, long position);

    [LoggerMessage(26, LogLevel.Error, "[Log partition={Partition}] {Path} cannot be opened and is left as it is; the partition answers KAFKA_STORAGE_ERROR until the next start, the others are served")]
    public static partial void PartitionUnreadable(this ILogger logger, Exception cause, TopicPartition partition, string path);

    [LoggerMessage(27, LogLevel.Error, "[Log partition={Partition}] The log in {Path} ends at offset {EndOffset}, but was on the disk up to {RecoveryPoint}: files of it are damaged or missing")]
    public static partial void LogShorterThanFlushed(this ILogger logger, TopicPartition partition, string path, long endOffset, long recoveryPoint);

    [LoggerMessage(48, LogLevel.Warning, "[Log partition={Partition}] The log in {Path} ends at offset {EndOffset}, but has been seen up to {HighWatermark}: what was not flushed was lost, or files are missing")]
    public static partial void LogShorterThanSeen(this ILogger logger, TopicPartition partition, string path, long endOffset, long highWatermark);

    [LoggerMessage(28, LogLevel.Warning, "[Log partition={Partition}] The log goes on to offset {EndOffset} beyond its recovery point {RecoveryPoint} though the last stop was clean; its last segment was checked")]
    public static partial void LogLongerThanFlushed(this ILogger logger, TopicPartition partition, long endOffset, long recoveryPoint);

    [LoggerMessage(29, LogLevel.Warning, "[Log partition={Partition}] Nothing is left above the log start offset: the log starts over at offset {LogStartOffset}")]
    public static partial void LogStartsOver(this ILogger logger, TopicPartition partition, long logStartOffset);

    [LoggerMessage(40, LogLevel.Warning, "[Log partition={Partition}] Not believing log start offset {LogStartOffset} of its checkpoint: {Reason}. The log starts at offset {Believed}")]
    public static partial void LogStartNotBelieved(this ILogger logger, TopicPartition partition, long logStartOffset, string reason, long believed);

    [LoggerMessage(41, LogLevel.Information, "[Log partition={Partition}] Deleting segment {BaseOffset}: it lies below log start offset {LogStartOffset}")]
    public static partial void SegmentBelowStart(this ILogger logger, TopicPartition partition, long baseOffset, long logStartOffset);

    [LoggerMessage(42, LogLevel.Warning, "[Log partition={Partition}] No producer snapshot is left: the producers are read from the log")]
    public static partial void SnapshotsMissing(this ILogger logger, TopicPartition partition);

    [LoggerMessage(43, LogLevel.Warning, "[Log partition={Partition}] Deleting segment {BaseOffset}: it does not begin where the one before it ends, at offset {EndOffset}")]
    public static partial void SegmentOutOfPlace(this ILogger logger, TopicPartition partition, long baseOffset, long endOffset);

    [LoggerMessage(49, LogLevel.Error, "[Log partition={Partition}] Segment {BaseOffset} is empty though its indexes tell of batches: they are lost")]
    public static partial void SegmentEmptied(this ILogger logger, TopicPartition partition, long baseOffset);

    [LoggerMessage(44, LogLevel.Warning, "{Path} is missing or has no {Key} though the directory holds logs; it is written again")]
    public static partial void MetaPropertiesRestored(this ILogger logger, string path, string key);

    [LoggerMessage(45, LogLevel.Warning, "[Log partition={Partition}] {Path} is missing or empty: the leader epochs are read from the log")]
    public static partial void EpochsMissing(this ILogger logger, TopicPartition partition, string path);

    [LoggerMessage(46, LogLevel.Warning, "Checkpoint {Path} is missing though the directory holds logs: starting from zero")]
    public static partial void CheckpointMissing(this ILogger logger, string path);

    [LoggerMessage(47, LogLevel.Information, "[Log partition={Partition}] Starts at offset {LogStartOffset}, as log-start-offset-checkpoint says; what the files hold below was deleted")]
    public static partial void LogStartLoaded(this ILogger logger, TopicPartition partition, long logStartOffset);

    [LoggerMessage(60, LogLevel.Information, "[Log partition={Partition}] Moves from {From} to {To}, from offset {Offset} on")]
    public static partial void Moves(this ILogger logger, TopicPartition partition, string from, string to, long offset);

    [LoggerMessage(61, LogLevel.Information, "[Log partition={Partition}] Has moved to {Directory} at offset {Offset}")]
    public static partial void Moved(this ILogger logger, TopicPartition partition, string directory, long offset);

    [LoggerMessage(62, LogLevel.Information, "[Log partition={Partition}] No longer moves to {Directory}: {Reason}")]
    public static partial void MoveEnded(this ILogger logger, TopicPartition partition, string directory, string reason);

    [LoggerMessage(63, LogLevel.Warning, "[Log partition={Partition}] The move to {Directory} waits: {Error}")]
    public static partial void MoveWaits(this ILogger logger, TopicPartition partition, string directory, ErrorCode error);

    [LoggerMessage(64, LogLevel.Warning, "[Log partition={Partition}] {Kept} holds all of {Copy}, which a move left when it was cut short: the latter is deleted")]
    public static partial void CopyDropped(this ILogger logger, TopicPartition partition, string kept, string copy);

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
