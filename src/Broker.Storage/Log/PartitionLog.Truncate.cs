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
        catch (DamagedSegmentException e)
        {
            ReportDamage(e);
            return ErrorCode.KafkaStorageError;
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

    /// <summary>First half of a clean end: no more appends, and everything Kafka expects after one is written. True when something has to reach the disk yet.</summary>
    internal bool PrepareClose()
    {
        Retire();
        if (IsUnreadable)
        {
            return false;
        }

        lock (_lock)
        {
            Active.BecomeInactive();
            _producers.EndOffset = _logEndOffset;
            bool isSnapshotDue = _producers.SnapshotOffset != _producers.EndOffset;
            TakeSnapshot(durable: false);
            _epochs.FlushWritten(_logEndOffset, durable: false);
            return isSnapshotDue || _logEndOffset > _recoveryPoint || Active.HasUnflushedIndexes || HasUnflushedIndexes(_segments);
        }
    }

    /// <summary>Second half: what <see cref="PrepareClose"/> left reaches the disk, unless the whole file system was flushed since.</summary>
    internal void CloseCleanly(bool isFlushed)
    {
        if (!isFlushed)
        {
            _epochs.FlushWritten(_logEndOffset, durable: true);
            FlushUpTo(_logEndOffset);
            Active.Flush(isActive: false);
            ProducerSnapshots.Flush(Files, _path, _logEndOffset);
        }

        Volatile.Write(ref _recoveryPoint, _logEndOffset);
        CloseFiles();
    }

    /// <summary>Ends without writing anything, as a crash would.</summary>
    internal void CloseFiles()
    {
        foreach (LogSegment segment in _segments)
        {
            segment.Close();
        }
    }

    /// <summary>For a log that could not be opened: nobody knows better.</summary>
    internal void AssumeTopicId(Guid topicId) => TopicId = topicId;

    internal void SetTopicId(Guid topicId)
    {
        PartitionMetadataFile.Write(Files, _path, topicId, durable: true);
        TopicId = topicId;
    }

    /// <summary>
    /// What needs room on the disk comes first: when there is none, nothing has happened, and whoever asked may ask again. From the first segment on that goes nothing
    /// does, or it can wait.
    /// </summary>
    private void TruncateLocked(long offset)
    {
        LogSegment[] segments = _segments;
        int keep = Math.Max(1, IndexOf(segments, offset) + 1);
        LogSegment last = segments[keep - 1];

        // Where the cut goes, and what is left in the transaction index, before anything changes: the file may be damaged.
        int position = last.EndPositionOf(offset);
        CheckTransactions(segments, keep - 1);

        // What was cut must not come back among what is written next, and the checkpoints must not vouch for bytes that are yet to be written. Compaction may have left
        // nothing right below the offset asked for; then the log ends, and grows again, earlier. A crash costs the same wherever the recovery point is within a segment.
        if (_cleanedUpTo > last.BaseOffset)
        {
            ForgetCleaningFrom(last.NextOffsetAt(position));
        }

        Directory.RecoveryPoints.Lower(TopicPartition, last.BaseOffset);
        _truncations++;
        if (_logStartOffset > last.BaseOffset && last.NextOffsetAt(position) < _logStartOffset)
        {
            // The batch that holds the log start offset goes: what is left is deleted records, and a log that ends before it starts.
            StartOver(_logStartOffset);
        }
        else
        {
            Cut(segments, keep, offset);
        }

        long end = Active.FindNextOffset() ?? throw Active.DamagedAt(0);
        Active.Flush(isActive: true);
        Files.FlushDirectory(_path);

        Volatile.Write(ref _logEndOffset, end);
        Volatile.Write(ref _highWatermark, Math.Min(_highWatermark, end));
        Volatile.Write(ref _recoveryPoint, Math.Min(_recoveryPoint, end));
        _epochs.TruncateFromEnd(end);
        FlushEpochsIfThereIsRoom();
        ProducerSnapshots.Load(_services, _path, _segments, _producers, end, rebuildFrom: null);
        SetHighWatermark(_highWatermark);
        CutFuture(end);
        Logger.Truncated(TopicPartition, end);
    }

    private void Cut(LogSegment[] segments, int keep, long offset)
    {
        _segments = segments[..keep];

        // The newest first: a crash in between must not leave a hole.
        for (int i = segments.Length - 1; i >= keep; i--)
        {
            DeleteLater(segments[i], _services.NowMs);
        }

        if (keep < segments.Length)
        {
            // Nor may they be back behind a cut that is on the disk already.
            Files.FlushDirectory(_path);
        }

        Active.TruncateTo(offset);
    }

    /// <summary>
    /// An empty log that begins at the offset takes the place of this one. Its segment is on the disk before the checkpoint names the offset: a start after a crash
    /// believes a log start offset beyond the end of the log only when there is such a segment, and drops what lies before it.
    /// </summary>
    private void StartOver(long offset)
    {
        LogSegment[] old = _segments;

        // Else a start after a crash right now could take the new segment for the last of the old ones.
        Directory.RecoveryPoints.Lower(TopicPartition, old[^1].BaseOffset);
        LogSegment first = LogSegment.Create(_services, _path, offset, NewSegmentOptions(_config, _services.NowMs));
        Files.FlushDirectory(_path);
        try
        {
            Directory.LogStartOffsets.Raise(TopicPartition, offset);
        }
        catch (DiskFullException)
        {
            first.DeleteFiles();
            throw;
        }

        _segments = [first];
        for (int i = old.Length - 1; i >= 0; i--)
        {
            DeleteLater(old[i], _services.NowMs);
        }
    }

    /// <summary>The batches above the recovery point say all that the file would, and the recovery point moves only when it is written.</summary>
    private void FlushEpochsIfThereIsRoom()
    {
        try
        {
            _epochs.Flush(durable: true);
        }
        catch (DiskFullException) when (Directory.RanFull())
        {
        }
    }
}
