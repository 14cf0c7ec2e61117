using Broker.Configuration;
using Broker.Protocol;

namespace Broker.Storage;

public sealed partial class PartitionLog
{
    private const long FlushAgainMs = 1000;

    // Truncations so far: a flush that ran beside one must not claim offsets that were written again since.
    private int _truncations;

    // The highest recovery point that the checkpoint may hold.
    private long _vouchedFor;

    private GroupCommit? _groupCommit;

    // Whether the name of this log's directory, and the topic id in it, are on the disk.
    private bool _isPathDurable;

    /// <summary>Forces everything appended so far to the disk. KafkaStorageError when it could not: the directory is offline then, or full.</summary>
    public ErrorCode Flush()
    {
        LogDirectory directory = _directory;
        try
        {
            if (IsOffline)
            {
                return ErrorCode.KafkaStorageError;
            }

            FlushUpTo(LogEndOffset);
            return ErrorCode.None;
        }
        catch (Exception e) when (IsFailure(e, "flush", directory))
        {
            return directory != _directory ? Flush() : ErrorCode.KafkaStorageError;
        }
    }

    /// <summary>The same on the thread pool, shared with everybody who asks meanwhile.</summary>
    public Task<ErrorCode> FlushAsync() => LazyInitializer.EnsureInitialized(ref _groupCommit, () => new GroupCommit(Flush)).FlushAsync();

    internal void FlushIfDue(long nowMs)
    {
        if (!_isClosed && LogEndOffset > RecoveryPoint && nowMs - Volatile.Read(ref _lastFlushMs) >= _config.FlushMs)
        {
            Flush();
        }
    }

    /// <summary>Without the lock held: a disk may take its time while appends and reads go on.</summary>
    private void FlushUpTo(long offset)
    {
        LogSegment[] segments;
        long from;
        int truncations;
        lock (_lock)
        {
            segments = _segments;
            from = _recoveryPoint;

            // A flush that a roll asked for may come after a truncation below that roll.
            offset = Math.Min(offset, _logEndOffset);
            truncations = _truncations;
            if (offset <= from && !HasUnflushedIndexes(segments))
            {
                return;
            }
        }

        // What it knows beyond the offset does no harm: a start cuts it to the end of the log.
        _epochs.Flush(durable: true);
        FlushPath();
        for (int i = 0; i < segments.Length && segments[i].BaseOffset < offset; i++)
        {
            bool isActive = i + 1 == segments.Length;

            // A recovery point that stood at the end when the segment rolled covers its batches, but not the indexes that the roll wrote.
            if (isActive || segments[i + 1].BaseOffset > from || segments[i].HasUnflushedIndexes)
            {
                segments[i].Flush(isActive);
            }
        }

        lock (_lock)
        {
            if (truncations == _truncations && offset > _recoveryPoint)
            {
                Volatile.Write(ref _recoveryPoint, offset);
            }
        }

        Volatile.Write(ref _lastFlushMs, _services.NowMs);
    }

    /// <summary>The name of the log's directory and the topic id in it.</summary>
    private void FlushPath()
    {
        if (!_isPathDurable)
        {
            PartitionMetadataFile.Flush(Files, _path);
            Files.FlushDirectory(_path);
            Files.FlushDirectory(Path.GetDirectoryName(_path)!);
            _isPathDurable = true;
        }
    }

    /// <summary>
    /// What the checkpoint may say. Never the end of a segment whose indexes have not been flushed: a start after a crash checks whole segments, so that any offset within
    /// the last one costs the same, and one below the end leaves it to be checked. So nobody has to wait for the disk when a segment rolls.
    /// </summary>
    internal long RecoveryPointToKeep()
    {
        lock (_lock)
        {
            long point = _recoveryPoint;
            LogSegment[] segments = _segments;
            for (int i = 0; i < segments.Length && !_isClosed; i++)
            {
                bool isActive = i + 1 == segments.Length;
                long end = isActive ? _logEndOffset : segments[i + 1].BaseOffset;
                if (point >= end && end > segments[i].BaseOffset && (isActive || segments[i].HasUnflushedIndexes))
                {
                    point = end - 1;
                    break;
                }
            }

            _vouchedFor = Math.Max(_vouchedFor, point);
            return point;
        }
    }

    /// <summary>
    /// What the checkpoint may say of where the log starts; null when the name of its first segment says it. Never what is not flushed yet: so a start after a crash
    /// knows that an offset beyond the end of the log is damage, and does not delete everything because of it.
    /// </summary>
    internal long? LogStartToKeep()
    {
        if (IsUnreadable)
        {
            return LogStartOffset;
        }

        if (LogStartOffset > RecoveryPoint && !_isClosed)
        {
            Flush();
        }

        long start = Math.Min(LogStartOffset, RecoveryPoint);
        return start > _segments[0].BaseOffset ? start : null;
    }

    /// <summary>Closes the active segment now, if it holds anything.</summary>
    internal void Roll()
    {
        lock (_lock)
        {
            if (Active.Size > 0)
            {
                Roll(_logEndOffset, _services.NowMs);
            }
        }
    }

    private static bool HasUnflushedIndexes(LogSegment[] segments)
    {
        for (int i = 0; i < segments.Length - 1; i++)
        {
            if (segments[i].HasUnflushedIndexes)
            {
                return true;
            }
        }

        return false;
    }

    private bool ShouldRoll(TopicConfig config, long nowMs, int appendBytes, long maxTimestampMs, long lastOffset)
    {
        LogSegment active = Active;
        if (active.Size == 0)
        {
            return false;
        }

        // By the records' own clock where they have one, so that replicas and a replayed past roll alike.
        long waitedMs = active.FirstBatchTimestampMs is { } first ? maxTimestampMs - first : nowMs - active.Options.CreatedMs;
        return active.Size > config.SegmentBytes - appendBytes
            || waitedMs > MaxSegmentMs(config) - active.Options.RollJitterMs
            || active.Offsets.IsFull(config.SegmentIndexBytes)
            || active.Times.IsFull(config.SegmentIndexBytes)
            || lastOffset - active.BaseOffset > int.MaxValue;
    }

    /// <summary>Closes the active segment and starts one at the offset. The old one is flushed by the maintenance thread.</summary>
    private void Roll(long baseOffset, long nowMs)
    {
        LogSegment active = Active;
        if (active.BaseOffset == baseOffset)
        {
            return;
        }

        active.BecomeInactive();
        if (_vouchedFor >= baseOffset)
        {
            // A start after a crash would not look at this segment any more: its indexes must be right from now on. Only right after a clean start.
            active.Flush(isActive: false);
        }

        _producers.EndOffset = baseOffset;
        TakeSnapshot(durable: false);
        _segments = [.. _segments, LogSegment.Create(_services, _path, baseOffset, NewSegmentOptions(_config, nowMs))];
        Logger.Rolled(TopicPartition, baseOffset);
        _services.Deferred.Soon(() => FlushRolled(baseOffset));
    }

    private void FlushRolled(long baseOffset)
    {
        LogDirectory directory = _directory;
        try
        {
            if (!IsOffline && !_isClosed)
            {
                FlushUpTo(baseOffset);
                ProducerSnapshots.Flush(Files, _path, baseOffset);
            }
        }
        catch (DiskFullException) when (directory.RanFull())
        {
            // Nothing is lost, only not yet on the disk.
            _services.Deferred.At(_services.NowMs + FlushAgainMs, () => FlushRolled(baseOffset));
        }
        catch (Exception e) when (IsFailure(e, "flush", directory))
        {
        }
    }

    private void TakeSnapshot(bool durable)
    {
        if (_producers.SnapshotOffset != _producers.EndOffset)
        {
            ProducerSnapshots.Write(Files, _path, _producers, durable);
        }
    }

    /// <summary>A compacted log must close a segment before max.compaction.lag.ms is over: the active one is never cleaned.</summary>
    private static long MaxSegmentMs(TopicConfig config) => config.IsCompacted ? Math.Min(config.SegmentMs, config.MaxCompactionLagMs) : config.SegmentMs;

    internal static SegmentOptions NewSegmentOptions(TopicConfig config, long nowMs)
    {
        long jitter = Math.Min(config.SegmentJitterMs, MaxSegmentMs(config));
        return new SegmentOptions(config.IndexIntervalBytes, nowMs, jitter <= 0 ? 0 : Random.Shared.NextInt64(jitter), config.Preallocate ? config.SegmentBytes : 0);
    }
}
