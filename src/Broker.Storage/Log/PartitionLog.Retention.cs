using Broker.Configuration;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Storage;

public sealed partial class PartitionLog
{
    /// <summary>Advances the log start offset (OffsetOutOfRange above the high watermark) and drops segments that lie below it. Below the present one: nothing to do.</summary>
    public ErrorCode DeleteRecords(long beforeOffset)
    {
        if (IsOffline)
        {
            return ErrorCode.KafkaStorageError;
        }

        try
        {
            lock (_lock)
            {
                if (beforeOffset > _highWatermark || beforeOffset < 0)
                {
                    return ErrorCode.OffsetOutOfRange;
                }

                AdvanceLogStart(beforeOffset, "records were deleted");
                DropSegments(static (_, _) => null, _services.NowMs);
            }

            return ErrorCode.None;
        }
        catch (Exception e) when (IsFailure(e, "delete records of"))
        {
            return ErrorCode.KafkaStorageError;
        }
    }

    /// <summary>One round of the retention check. A compacted log keeps all segments above its start; the cleaner looks after those.</summary>
    internal void ApplyRetention(long nowMs)
    {
        if (IsOffline || _isClosed)
        {
            return;
        }

        try
        {
            lock (_lock)
            {
                TopicConfig config = _config;
                RollIfIdleAndThereIsRoom(config, nowMs);
                Func<LogSegment, long, string?> rule = config.IsDeleted ? (segment, size) => WhyExpired(segment, size, config, nowMs) : static (_, _) => null;
                if (DropSegments(rule, nowMs) == 0 && Logger.IsEnabled(LogLevel.Debug))
                {
                    Logger.RetentionKept(TopicPartition, _segments.Length, SizeInBytes, WhyKept(_segments, config, nowMs));
                }
            }
        }
        catch (Exception e) when (IsFailure(e, "apply retention to"))
        {
        }
    }

    internal void ExpireProducers(long nowMs)
    {
        lock (_lock)
        {
            _producers.Expire(nowMs, _services.ProducerIdExpirationMs);
        }
    }

    /// <summary>Lets segments that nobody uses give up file handles, and index memory when they are inactive.</summary>
    internal void DropIdle()
    {
        LogSegment[] segments = _segments;
        for (int i = 0; i < segments.Length - 1; i++)
        {
            segments[i].DropIfIdle();
        }

        segments[^1].DropFileIfIdle();
    }

    private static string? WhyExpired(LogSegment segment, long logSize, TopicConfig config, long nowMs)
    {
        if (config.RetentionBytes >= 0 && logSize - segment.Size >= config.RetentionBytes)
        {
            return "the log exceeds retention.bytes";
        }

        return config.RetentionMs >= 0 && nowMs - LargestTimestampMs(segment, config, nowMs) > config.RetentionMs ? "its records exceed retention.ms" : null;
    }

    /// <summary>A timestamp that would delete the segment, or keep it for ever, is held against its records first: the time index has no checksum.</summary>
    private static long LargestTimestampMs(LogSegment segment, TopicConfig config, long nowMs)
    {
        long timestampMs = segment.LargestTimestampMs;
        if (nowMs - timestampMs <= config.RetentionMs && timestampMs <= nowMs)
        {
            return timestampMs;
        }

        segment.CheckMax();
        return segment.LargestTimestampMs;
    }

    /// <summary>Old segments go on a full disk as well: that is where room comes from.</summary>
    private void RollIfIdleAndThereIsRoom(TopicConfig config, long nowMs)
    {
        try
        {
            RollIfIdle(config, nowMs);
        }
        catch (DiskFullException) when (Directory.RanFull())
        {
        }
    }

    /// <summary>A segment that has been open for segment.ms rolls though nothing is appended, so that retention and compaction reach it.</summary>
    private void RollIfIdle(TopicConfig config, long nowMs)
    {
        LogSegment active = Active;
        if (active.Size == 0)
        {
            return;
        }

        // Not before it has been open that long here: a replayed past would roll at every check, and the files of thousands of idle logs would be opened to look at it.
        long sinceMs = nowMs - (MaxSegmentMs(config) - active.Options.RollJitterMs);
        if (active.Options.CreatedMs < sinceMs && (active.FirstBatchTimestampMs ?? 0) < sinceMs)
        {
            Roll(_logEndOffset, nowMs);
        }
    }

    /// <summary>Drops segments from the oldest on while they lie below the log start offset or the rule gives a reason (segment, size of the log left).</summary>
    private int DropSegments(Func<LogSegment, long, string?> rule, long nowMs)
    {
        LogSegment[] segments = _segments;
        long size = SizeInBytes;
        int count = 0;
        while (count < segments.Length)
        {
            LogSegment segment = segments[count];
            bool isActive = count + 1 == segments.Length;
            long end = isActive ? _logEndOffset : segments[count + 1].BaseOffset;
            string? reason = !isActive && end <= _logStartOffset ? "it lies below the log start offset" : rule(segment, size);
            if (reason is null || (isActive && segment.Size == 0) || _highWatermark < end)
            {
                break;
            }

            Logger.SegmentDeleted(TopicPartition, segment.BaseOffset, segment.Size, segment.Max.TimestampMs, reason);
            size -= segment.Size;
            count++;
        }

        if (count == 0)
        {
            return 0;
        }

        if (count == segments.Length && !TryRoll(nowMs))
        {
            // No room for the empty segment that would take over: the last one stays.
            count--;
        }

        if (count > 0)
        {
            RemoveOldest(count, nowMs);
        }

        return count;
    }

    private bool TryRoll(long nowMs)
    {
        try
        {
            Roll(_logEndOffset, nowMs);
            return true;
        }
        catch (DiskFullException) when (Directory.RanFull())
        {
            return false;
        }
    }

    private void RemoveOldest(int count, long nowMs)
    {
        LogSegment[] segments = _segments;
        _segments = segments[count..];
        AdvanceLogStart(_segments[0].BaseOffset, "segments were deleted");
        foreach (LogSegment segment in segments.AsSpan(0, count))
        {
            try
            {
                segment.MarkDeleted();
            }
            catch (DiskFullException) when (Directory.RanFull())
            {
                // No room for a longer name. Its own is as good: what lies below the log start offset is deleted by a start, too, and never made again.
            }

            DeleteMarked(segment, nowMs);
        }
    }

    /// <summary>For segments whose names others may get: those are free afterwards.</summary>
    private void DeleteLater(LogSegment segment, long nowMs, bool keepsSnapshot = false)
    {
        try
        {
            segment.MarkDeleted(keepsSnapshot);
        }
        catch (DiskFullException) when (Directory.RanFull())
        {
            segment.Unlink(keepsSnapshot);
        }

        DeleteMarked(segment, nowMs);
    }

    private void DeleteMarked(LogSegment segment, long nowMs)
    {
        LogDirectory directory = _directory;
        _services.Deferred.At(nowMs + _config.FileDeleteDelayMs, () =>
        {
            try
            {
                if (directory.IsOnline)
                {
                    segment.DeleteFiles();
                }
            }
            catch (Exception e) when (IsFailure(e, "delete a segment of", directory))
            {
            }
        });
    }

    private void AdvanceLogStart(long offset, string reason)
    {
        if (offset <= _logStartOffset)
        {
            return;
        }

        Volatile.Write(ref _logStartOffset, offset);
        _epochs.TruncateFromStart(offset);
        _producers.OnLogStart(offset);
        if (_highWatermark < offset)
        {
            Volatile.Write(ref _highWatermark, offset);
        }

        UpdateLastStableOffset();
        Logger.LogStartAdvanced(TopicPartition, offset, reason);
        StartAdvanced?.Invoke();
    }
}
