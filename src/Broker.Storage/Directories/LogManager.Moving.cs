using Broker.Protocol;

namespace Broker.Storage;

/// <summary>Which partition is where, and which one moves: everything here is decided with the lock of placement held.</summary>
public sealed partial class LogManager
{
    // A request may name partitions that do not exist, and each is remembered for its creation.
    private const int MaxPreferred = 100_000;

    private readonly Dictionary<TopicPartition, LogMove> _moves = [];
    private readonly Dictionary<TopicPartition, LogDirectory> _preferred = [];
    private readonly List<PartitionLog> _foundFutures = [];

    internal LogMover Mover => _mover;

    /// <summary>Null when log.dirs has no such entry. Absolute, as DescribeLogDirs tells it.</summary>
    public LogDirectory? DirectoryOf(string path) => Array.Find(_directories, d => d.Path == path);

    /// <summary>False for one whose name is too long for the directory of a copy.</summary>
    public static bool CanMove(TopicPartition tp) => LogFileNames.HasRoomForMark(tp, LogFileNames.FutureDirectory);

    /// <summary>A partition that does not exist yet is made in this directory when it is. One that is there or on its way there already needs no such note.</summary>
    public void Prefer(TopicPartition tp, LogDirectory directory)
    {
        lock (_placement)
        {
            if (!directory.LogsByPartition.ContainsKey(tp) && (_preferred.Count < MaxPreferred || _preferred.ContainsKey(tp)))
            {
                _preferred[tp] = directory;
            }
        }
    }

    /// <summary>
    /// Begins to move a log. A move to another directory ends; if this is the directory where it is, that is all. None, KafkaStorageError, or UnknownTopicOrPartition for one
    /// that is not here.
    /// </summary>
    public ErrorCode Move(TopicPartition tp, LogDirectory destination)
    {
        lock (_placement)
        {
            if (!_logs.TryGetValue(tp, out PartitionLog? log))
            {
                return ErrorCode.UnknownTopicOrPartition;
            }

            if (!destination.IsOnline || log.IsOffline)
            {
                return ErrorCode.KafkaStorageError;
            }

            if (log.Future is { } before && before.Directory == destination)
            {
                return ErrorCode.None;
            }

            CancelMove(tp);
            if (log.Directory == destination)
            {
                return ErrorCode.None;
            }

            if (!IsUsable(destination) || !TryCreate(destination, tp, log.TopicId, log.Config, isFuture: true, out PartitionLog? future))
            {
                return ErrorCode.KafkaStorageError;
            }

            Begin(new LogMove(log, future, _services));
            return ErrorCode.None;
        }
    }

    /// <summary>Found at start; what becomes of it is decided when everything is loaded.</summary>
    internal void RegisterFuture(PartitionLog future)
    {
        lock (_placement)
        {
            _foundFutures.Add(future);
        }
    }

    /// <summary>The copy takes the log's place. False: not yet.</summary>
    internal bool TrySwap(LogMove move)
    {
        // Most of it, while appends go on.
        if (move.Future.Flush() != ErrorCode.None)
        {
            return false;
        }

        TopicPartition tp = move.Current.TopicPartition;
        lock (_placement)
        {
            if (_moves.GetValueOrDefault(tp) != move)
            {
                return true;
            }

            LogDirectory source = move.Current.Directory;
            LogDirectory destination = move.Future.Directory;
            string path = Path.Combine(destination.Path, tp.ToString());
            if (!CarryCheckpoints(move, destination) || !move.Current.TakeOver(move, path, () => DropOld(move.Future)))
            {
                return false;
            }

            _moves.Remove(tp);
            destination.LogsByPartition[tp] = move.Current;
            source.LogsByPartition.TryRemove(tp, out _);
            if (move.Current.CleanedUpTo >= 0)
            {
                WriteCleanerOffsets(destination);
                WriteCleanerOffsets(source);
            }

            return true;
        }
    }

    /// <summary>A move cannot go on: its source is offline, then the copy waits for the next start; or its destination is.</summary>
    internal void GiveUp(LogMove move)
    {
        lock (_placement)
        {
            TopicPartition tp = move.Current.TopicPartition;
            if (_moves.GetValueOrDefault(tp) == move)
            {
                _moves.Remove(tp);
                move.Current.EndMove();
                if (!move.Future.Directory.IsOnline)
                {
                    move.Future.Directory.LogsByPartition.TryRemove(tp, out _);
                }

                _services.Logger.MoveEnded(tp, move.Future.Directory.Path, move.Current.IsOffline ? "its log directory is offline" : "that directory is offline");
            }
        }
    }

    private void Begin(LogMove move)
    {
        TopicPartition tp = move.Current.TopicPartition;
        _moves[tp] = move;
        move.Future.Directory.LogsByPartition[tp] = move.Future;
        move.Current.BeginMove(move.Future);
        _services.Logger.Moves(tp, move.Current.Directory.Path, move.Future.Directory.Path, move.Future.LogEndOffset);
        if (move.Future.CleanedUpTo >= 0)
        {
            WriteCleanerOffsets(move.Future.Directory);
        }

        _mover.Add(move);
    }

    private void CancelMove(TopicPartition tp)
    {
        if (_moves.Remove(tp, out LogMove? move))
        {
            move.Current.EndMove();
            move.Future.Directory.LogsByPartition.TryRemove(tp, out _);
            _services.Logger.MoveEnded(tp, move.Future.Directory.Path, "it was cancelled");
            Discard(move.Future);
        }
    }

    /// <summary>Should the name come back after a power cut, beside a log that went on, neither would hold all of the other.</summary>
    private void DropOld(PartitionLog log)
    {
        Discard(log);
        FlushNames(log.Directory);
    }

    /// <summary>Nobody finds the log any more; its directory is renamed now and removed later.</summary>
    private void Discard(PartitionLog log)
    {
        LogDirectory directory = log.Directory;
        log.Retire();
        try
        {
            string marked = Path.Combine(directory.Path, LogFileNames.MarkedForDeletion(log.TopicPartition, Guid.NewGuid()));
            log.MoveTo(marked);
            directory.HasUnflushedNames = true;
            _services.Logger.LogDeleted(log.TopicPartition, marked, log.Config.FileDeleteDelayMs);
            DeleteLater(directory, marked, log.Config.FileDeleteDelayMs, log);
        }
        catch (DiskFullException) when (directory.RanFull())
        {
            // No room for the new name, and under the old one a topic made anew would find it.
            RemoveNow(directory, log.DirectoryPath, log);
        }
        catch (Exception e) when (directory.TakeOffline(e, "delete", log.TopicPartition))
        {
        }
    }

    /// <summary>What was renamed here must not come back, after a power cut, in place of a log of the same name or beside it.</summary>
    private void FlushNames(LogDirectory directory)
    {
        try
        {
            if (directory.HasUnflushedNames && directory.IsOnline)
            {
                _services.Files.FlushDirectory(directory.Path);
                directory.HasUnflushedNames = false;
            }
        }
        catch (Exception e) when (directory.TakeOffline(e, "flush", null))
        {
        }
    }

    private void ResumeMoves()
    {
        lock (_placement)
        {
            foreach (PartitionLog future in _foundFutures)
            {
                TopicPartition tp = future.TopicPartition;
                if (!_logs.TryGetValue(tp, out PartitionLog? log) || log.IsOffline || future.IsOffline)
                {
                    _services.Logger.DirectorySkipped(future.DirectoryPath);
                    continue;
                }

                if (log.Directory == future.Directory || _moves.ContainsKey(tp))
                {
                    Discard(future);
                    continue;
                }

                LogMove move = new(log, future, _services);
                future.BecomeFollower(PartitionLog.FutureEpoch);
                if (move.Align())
                {
                    Begin(move);
                }
                else if (log.IsOffline || future.IsOffline)
                {
                    _services.Logger.DirectorySkipped(future.DirectoryPath);
                }
                else
                {
                    Discard(future);
                    Move(tp, future.Directory);
                }
            }

            _foundFutures.Clear();
        }
    }

    /// <summary>
    /// A move that was cut between its two renames leaves the log twice, the one in the new place with all that is in the old one; a directory that failed while a log was made, and
    /// the log was made in another one, leaves an empty one. Whichever went on since holds all of the other.
    /// </summary>
    private PartitionLog OneOf(PartitionLog first, PartitionLog second)
    {
        (PartitionLog longer, PartitionLog shorter) = HoldsAllOf(first, second) ? (first, second) : (second, first);
        if (longer == second && !HoldsAllOf(second, first))
        {
            throw new LoadException(
                $"Duplicate log directories for {first.TopicPartition} are found in both {first.DirectoryPath} and {second.DirectoryPath}, and neither holds all of the other. "
                + "Delete one of the two, the one in a directory that has failed if there is such.");
        }

        _services.Logger.CopyDropped(first.TopicPartition, longer.DirectoryPath, shorter.DirectoryPath);
        shorter.Directory.LogsByPartition.TryRemove(first.TopicPartition, out _);
        DropOld(shorter);
        return longer;
    }

    private bool HoldsAllOf(PartitionLog log, PartitionLog other) =>
        log.Directory != other.Directory && !log.IsOffline && !other.IsOffline && log.TopicId != Guid.Empty
        && (other.TopicId == log.TopicId || (other.TopicId == Guid.Empty && other.LogEndOffset == 0))
        && other.LogEndOffset <= log.LogEndOffset && (other.LogEndOffset <= log.LogStartOffset || new LogMove(log, other, _services).HasSameEnd(other, log));

    private bool CarryCheckpoints(LogMove move, LogDirectory destination)
    {
        TopicPartition tp = move.Current.TopicPartition;
        try
        {
            if (move.Current.LogStartOffset > 0)
            {
                destination.LogStartOffsets.Raise(tp, move.Current.LogStartOffset);
            }

            destination.HighWatermarks.Raise(tp, move.Current.HighWatermark);
            return true;
        }
        catch (Exception e) when (destination.TakeOffline(e, "write the checkpoints of", tp))
        {
            return false;
        }
    }

    private static void WriteCleanerOffsets(LogDirectory directory)
    {
        try
        {
            directory.WriteCleanerOffsets();
        }
        catch (Exception e) when (directory.TakeOffline(e, "write the checkpoints of", null))
        {
        }
    }
}
