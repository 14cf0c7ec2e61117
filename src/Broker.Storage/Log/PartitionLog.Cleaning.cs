namespace Broker.Storage;

public sealed partial class PartitionLog
{
    private long _cleanedUpTo = -1;
    private int _isBeingCleaned;
    private volatile bool _isUncleanable;

    /// <summary>The log has been cleaned up to here (exclusive), as cleaner-offset-checkpoint says; -1 when it never was.</summary>
    internal long CleanedUpTo
    {
        get => Volatile.Read(ref _cleanedUpTo);
        init
        {
            HasBeenCleaned = value >= 0;
            _cleanedUpTo = value > _logEndOffset ? -1 : value;
        }
    }

    /// <summary>Whether the log was found in cleaner-offset-checkpoint at start, whichever broker's cleaner wrote it.</summary>
    public bool HasBeenCleaned { get; private init; }

    internal bool IsClosed => _isClosed;

    internal bool IsCleanable => _config.IsCompacted && _future is null && !_isUncleanable && !IsOffline && Directory.Room <= DiskRoom.Tight && !_isClosed && Volatile.Read(ref _isBeingCleaned) == 0;

    internal bool TryBeginCleaning() => Interlocked.Exchange(ref _isBeingCleaned, 1) == 0;

    internal void EndCleaning() => Volatile.Write(ref _isBeingCleaned, 0);

    /// <summary>Until the next start.</summary>
    internal void MarkUncleanable() => _isUncleanable = true;

    internal CleaningState StateForCleaning()
    {
        lock (_lock)
        {
            return new CleaningState(_segments, _lastStableOffset, _truncations);
        }
    }

    /// <summary>How far each producer has come.</summary>
    internal IReadOnlyDictionary<long, ProducerEnd> ProducerEnds()
    {
        lock (_lock)
        {
            Dictionary<long, ProducerEnd> ends = new(_producers.Count);
            foreach (ProducerState state in _producers.All)
            {
                ends[state.ProducerId] = new ProducerEnd(state.HasBatches ? state.LastBatch.LastOffset : -1, state.Epoch);
            }

            return ends;
        }
    }

    /// <summary>True when nothing that a pass saw counts any more.</summary>
    internal bool IsOvertaken(int truncations)
    {
        lock (_lock)
        {
            return truncations != _truncations || _isClosed || IsOffline || _future is not null || !_config.IsCompacted;
        }
    }

    /// <summary>
    /// Puts the cleaned segment in the place of those it was made from. False when retention or DeleteRecords has dropped them all meanwhile; when it has dropped
    /// some, the others are not clean and the pass ends. Readers that hold an old segment go on with it; it is removed after file.delete.delay.ms.
    /// </summary>
    internal bool ReplaceSegments(LogSegment[] old, CleanedSegmentWriter cleaned, int truncations)
    {
        lock (_lock)
        {
            if (IsOvertaken(truncations))
            {
                throw new CleaningAbortedException("it was truncated, deleted, moves, or is no longer compacted");
            }

            LogSegment[] segments = _segments;
            int at = Array.IndexOf(segments, old[0]);
            if (at < 0)
            {
                return segments.Contains(old[^1]) ? throw new CleaningAbortedException("segments that were being cleaned have been deleted") : false;
            }

            // The last step that needs room: without any, the old segments stay as they are.
            cleaned.RenameToSwap();
            foreach (LogSegment segment in old)
            {
                DeleteLater(segment, _services.NowMs, keepsSnapshot: segment.BaseOffset == cleaned.BaseOffset);
            }

            cleaned.RenameToFinal();
            ProducerSnapshots.DeleteBetween(Files, _path, cleaned.BaseOffset, segments[at + old.Length].BaseOffset);
            LogSegment replacement = new(_services, _path, cleaned.BaseOffset, cleaned.Size, old[0].Options);
            _segments = [.. segments[..at], replacement, .. segments[(at + old.Length)..]];
        }

        Files.FlushDirectory(_path);
        return true;
    }

    /// <summary>False when the log was truncated or deleted meanwhile: then nobody knows what is clean.</summary>
    internal bool FinishCleaning(int truncations, long endOffset)
    {
        lock (_lock)
        {
            if (IsOvertaken(truncations))
            {
                return false;
            }

            Volatile.Write(ref _cleanedUpTo, endOffset);
            return true;
        }
    }

    /// <summary>Before records from the offset on are removed. On disk first: what is appended there later must not count as clean after a crash.</summary>
    private void ForgetCleaningFrom(long offset)
    {
        if (_cleanedUpTo > offset)
        {
            // Should there be no room for the file, it is only cleaned again.
            Volatile.Write(ref _cleanedUpTo, offset);
            Directory.WriteCleanerOffsets();
        }
    }
}
