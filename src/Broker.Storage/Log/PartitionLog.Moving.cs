using Broker.Protocol;

namespace Broker.Storage;

/// <summary>A log that moves to another directory has a second one there, its future, that follows it and takes its place. See <see cref="LogMove"/>.</summary>
public sealed partial class PartitionLog
{
    /// <summary>The leader epoch by which a future log is appended to: it has no other role.</summary>
    internal const int FutureEpoch = 0;

    private const long NothingCut = long.MaxValue;

    private volatile LogDirectory _directory;
    private volatile PartitionLog? _future;

    // Where this log was truncated to, and its future not yet.
    private long _futureCut = NothingCut;

    /// <summary>Where its files are; another one after a move.</summary>
    public LogDirectory Directory => _directory;

    /// <summary>True for one that will take the place of the log of its partition and serves nobody.</summary>
    public bool IsFuture { get; internal init; }

    /// <summary>Its copy in another directory, while it moves there.</summary>
    public PartitionLog? Future => _future;

    internal void BeginMove(PartitionLog future)
    {
        future.BecomeFollower(FutureEpoch);
        lock (_lock)
        {
            _futureCut = NothingCut;
            _future = future;

            // It gets the gaps as well.
            Volatile.Write(ref future._cleanedUpTo, _cleanedUpTo);
        }
    }

    internal void EndMove()
    {
        lock (_lock)
        {
            _future = null;
        }
    }

    /// <summary>
    /// What the log knew of its producers at an offset where it starts. Its copy could not read that: of a producer whose records are deleted and whose marker is not it would believe,
    /// after a crash, that it has yet to write its first. Null when that cannot be read.
    /// </summary>
    internal ProducerStates? ProducersAt(long start)
    {
        LogDirectory directory = _directory;
        LogSegment[] segments = _segments;
        try
        {
            return ProducerSnapshots.At(_services, _path, segments, start);
        }
        catch (FileNotFoundException) when (segments != _segments)
        {
            // Retention was faster.
            return null;
        }
        catch (Exception e) when (IsFailure(e, "move", directory))
        {
            return null;
        }
    }

    /// <summary>Removes from the future log what was removed here since the last call.</summary>
    internal ErrorCode FollowTruncation()
    {
        lock (_lock)
        {
            long cut = Math.Min(_futureCut, _logEndOffset);
            if (_future is not { } future || future.LogEndOffset <= cut)
            {
                _futureCut = NothingCut;
                return ErrorCode.None;
            }

            ErrorCode error = future.TruncateAsFollower(cut, FutureEpoch);
            if (error == ErrorCode.None)
            {
                // Below it there may be a gap, and the batch that the cut goes through goes as a whole.
                _futureCut = NothingCut;
            }

            return error;
        }
    }

    /// <summary>
    /// The future log takes this one's place: this object goes on with its files, and the other one has the old ones, without a role. Appends wait for it. False, and nothing has
    /// happened but that the copy may have grown, when the two are not the same yet or the future log's directory does not work.
    /// </summary>
    /// <param name="move">Copies what is left.</param>
    /// <param name="path">The directory's final name, in the future log's log directory.</param>
    /// <param name="dropOld">Takes the old directory out of the way, durably: before anything else happens to the log, so that the two have not parted if a crash leaves both.</param>
    internal bool TakeOver(LogMove move, string path, Action dropOld)
    {
        PartitionLog future = move.Future;
        lock (_lock)
        {
            if (_isClosed || IsOffline || _future != future || FollowTruncation() != ErrorCode.None || !move.CopyRest() || !TryFlushPath())
            {
                return false;
            }

            lock (future._lock)
            {
                try
                {
                    future.PrepareFor(this, path);
                }
                catch (Exception e) when (future.Directory.TakeOffline(e, "move a log into", TopicPartition))
                {
                    future._isClosed = false;
                    return false;
                }

                Exchange(future, path);
            }

            Logger.Moved(TopicPartition, path, _logEndOffset);
            dropOld();
            AdvanceLogStart(future._logStartOffset, "the copy starts there");
            return true;
        }
    }

    /// <summary>A crash may leave both places: neither may have lost its topic id then, which a log that was never flushed may.</summary>
    private bool TryFlushPath()
    {
        try
        {
            FlushPath();
            return true;
        }
        catch (Exception e) when (IsFailure(e, "flush"))
        {
            return false;
        }
    }

    /// <summary>All that the log has promised about what is on the disk has to hold here as well, before the name says that this is the log.</summary>
    private void PrepareFor(PartitionLog current, string path)
    {
        if (_logEndOffset < current._logEndOffset && _services.Omits != Omission.CopiedToTheEnd)
        {
            // Compaction and a truncation left nothing right below the end.
            Roll(current._logEndOffset, _services.NowMs);
            Volatile.Write(ref _logEndOffset, current._logEndOffset);
        }

        FlushUpTo(_logEndOffset);

        // A copy without records has had nothing to flush.
        FlushPath();
        if (TopicId != current.TopicId)
        {
            PartitionMetadataFile.Write(Files, _path, current.TopicId, durable: true);
        }

        current._epochs.WriteTo(_path);

        // The log knows more of its producers than its records tell.
        current._producers.EndOffset = current._logEndOffset;
        long before = current._producers.SnapshotOffset;
        ProducerSnapshots.Write(Files, _path, current._producers, durable: true);
        current._producers.SnapshotOffset = before;
        string parent = Path.GetDirectoryName(_path)!;

        // A flush in the background that does not find its files from here on is of no importance: what it was to flush has been.
        _isClosed = true;
        Files.MoveDirectory(_path, path);
        _path = path;
        Files.FlushDirectory(parent);
    }

    private void Exchange(PartitionLog future, string path)
    {
        (_directory, future._directory) = (future._directory, _directory);
        (_segments, future._segments) = (future._segments, _segments);
        future._path = _path;
        _path = path;
        foreach (LogSegment segment in _segments)
        {
            segment.MovedTo(path);
        }

        _epochs.MovedTo(path);
        _producers.SnapshotOffset = _logEndOffset;
        Volatile.Write(ref _recoveryPoint, _logEndOffset);
        _vouchedFor = future._vouchedFor;
        _isPathDurable = true;
        _truncations++;
        _future = null;
    }

    /// <summary>The future log has to lose what this one lost.</summary>
    private void CutFuture(long end) => _futureCut = _future is null ? NothingCut : Math.Min(_futureCut, end);
}
