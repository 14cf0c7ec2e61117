using Broker.Protocol;

namespace Broker.Storage;

public sealed partial class PartitionLog
{
    /// <summary>Removes everything from the batch that holds <paramref name="offset"/> on. OffsetOutOfRange below the log start offset.</summary>
    public ErrorCode TruncateTo(long offset)
    {
        if (IsOffline)
        {
            return ErrorCode.KafkaStorageError;
        }

        try
        {
            lock (_lock)
            {
                if (offset < _logStartOffset)
                {
                    return ErrorCode.OffsetOutOfRange;
                }

                if (offset < _logEndOffset)
                {
                    TruncateLocked(offset);
                }
            }

            return ErrorCode.None;
        }
        catch (Exception e) when (IsFailure(e, "truncate"))
        {
            return ErrorCode.KafkaStorageError;
        }
    }

    /// <summary>Stops the log for good: what callers still hold of it answers NOT_LEADER_OR_FOLLOWER or reads from open handles.</summary>
    internal void Retire()
    {
        lock (_lock)
        {
            _isClosed = true;
        }
    }

    internal void MoveTo(string directory)
    {
        lock (_lock)
        {
            Files.MoveDirectory(_path, directory);
            _path = directory;
            _epochs.MovedTo(directory);
            foreach (LogSegment segment in _segments)
            {
                segment.MovedTo(directory);
            }
        }
    }

    /// <summary>Clean end: everything on disk as Kafka expects it after a clean shutdown.</summary>
    internal void CloseCleanly()
    {
        Retire();
        FlushUpTo(_logEndOffset);
        lock (_lock)
        {
            Active.BecomeInactive();
            _producers.EndOffset = _logEndOffset;
            TakeSnapshot();
            CloseFiles();
        }
    }

    /// <summary>Ends without writing anything, as a crash would.</summary>
    internal void CloseFiles()
    {
        foreach (LogSegment segment in _segments)
        {
            segment.Close();
        }
    }

    internal void SetTopicId(Guid topicId)
    {
        PartitionMetadataFile.Write(Files, _path, topicId);
        TopicId = topicId;
    }

    private void TruncateLocked(long offset)
    {
        _truncations++;
        ForgetCleaningFrom(offset);
        LogSegment[] segments = _segments;
        int keep = Math.Max(1, IndexOf(segments, offset) + 1);
        _segments = segments[..keep];
        foreach (LogSegment segment in segments.AsSpan(keep))
        {
            DeleteLater(segment, _services.NowMs);
        }

        Active.TruncateTo(offset);
        long end = Active.FindNextOffset() ?? throw new InvalidOperationException($"Segment {Active.BaseOffset} does not end with a whole batch after truncation.");
        if (end < _logStartOffset)
        {
            // The batch that held the log start offset is gone: what is left is deleted records, and a log that ends before it starts.
            StartOver(_logStartOffset);
            end = _logStartOffset;
        }

        // Compaction may have left nothing right below the offset asked for: then the log ends, and grows again, earlier.
        ForgetCleaningFrom(end);
        Volatile.Write(ref _logEndOffset, end);
        Volatile.Write(ref _highWatermark, Math.Min(_highWatermark, end));
        Volatile.Write(ref _recoveryPoint, Math.Min(_recoveryPoint, end));
        _epochs.TruncateFromEnd(end);
        ProducerSnapshots.Load(_services, _path, _segments, _producers, end, rebuildFrom: null);
        SetHighWatermark(_highWatermark);
        Logger.Truncated(TopicPartition, end);
    }

    private void StartOver(long offset)
    {
        LogSegment[] old = _segments;
        _segments = [LogSegment.Create(Files, _path, offset, NewSegmentOptions(_config, _services.NowMs))];
        foreach (LogSegment segment in old)
        {
            DeleteLater(segment, _services.NowMs);
        }
    }
}
