using Broker.Configuration;
using Broker.Protocol;

namespace Broker.Storage;

/// <summary>
/// What a follower does with its copy. Each call names the leader epoch it belongs to: one that comes late, after the role changed, does nothing.
/// </summary>
public sealed partial class PartitionLog
{
    private const int NoRole = -1;

    private int _roleEpoch = NoRole;
    private bool _follows;

    /// <summary>From now on only <see cref="AppendAsFollower"/> appends.</summary>
    public void BecomeFollower(int leaderEpoch)
    {
        lock (_lock)
        {
            _roleEpoch = leaderEpoch;
            _follows = true;
        }
    }

    /// <summary>
    /// Appends whole batches of the leader's log as they are; one that is cut short at the end is left for the next time. They must go on where this log ends; compaction
    /// may have left gaps.
    /// </summary>
    public ErrorCode AppendAsFollower(Memory<byte> records, int leaderEpoch)
    {
        if (IsOffline || !Directory.Admits(records.Length, AppendOrigin.Replication))
        {
            return ErrorCode.KafkaStorageError;
        }

        TopicConfig config = _config;
        try
        {
            for (Memory<byte> rest = records; TakeBatches(rest.Span, config.SegmentBytes) is > 0 and var length; rest = rest[length..])
            {
                using ValidatedRecords valid = AppendValidation.Validate(rest[..length], AppendOrigin.Replication, config, _services.NowMs, TopicPartition);
                ErrorCode error = valid.Error;
                if (error == ErrorCode.None)
                {
                    lock (_lock)
                    {
                        error = AppendCopies(valid.Bytes.Span, leaderEpoch, config);
                    }
                }

                if (error != ErrorCode.None)
                {
                    return error;
                }
            }

            return LogEndOffset - RecoveryPoint >= config.FlushMessages ? Flush() : ErrorCode.None;
        }
        catch (Exception e) when (IsFailure(e, "append to"))
        {
            return ErrorCode.KafkaStorageError;
        }
    }

    /// <summary>
    /// Removes what the leader does not have: everything from the batch that holds the offset on, and leader epochs that begin there, even without records.
    /// </summary>
    public ErrorCode TruncateAsFollower(long offset, int leaderEpoch) => ChangeAsFollower("truncate", leaderEpoch, () =>
    {
        offset = Math.Max(offset, _logStartOffset);
        if (offset < _logEndOffset)
        {
            TruncateLocked(offset);
        }
        else
        {
            _epochs.TruncateFromEnd(_logEndOffset);
        }
    });

    /// <summary>Gives up everything: the leader's log starts behind the end of this one.</summary>
    public ErrorCode StartOverAsFollower(long offset, int leaderEpoch) => StartOverAsFollower(offset, leaderEpoch, null);

    /// <param name="offset">Where it starts now.</param>
    /// <param name="leaderEpoch">The role it belongs to.</param>
    /// <param name="producers">What is known of them as of the offset, if anything.</param>
    internal ErrorCode StartOverAsFollower(long offset, int leaderEpoch, ProducerStates? producers) => ChangeAsFollower("start over", leaderEpoch, () =>
    {
        if (offset <= _logEndOffset)
        {
            return;
        }

        if (producers is { Count: > 0 })
        {
            // Before the segment that makes it count.
            ProducerSnapshots.Write(Files, _path, producers, durable: true);
        }

        ForgetCleaningFrom(_logStartOffset);
        _truncations++;
        StartOver(offset);
        Volatile.Write(ref _logStartOffset, offset);
        Volatile.Write(ref _logEndOffset, offset);
        Volatile.Write(ref _recoveryPoint, offset);
        _epochs.Clear();
        FlushEpochsIfThereIsRoom();
        Files.FlushDirectory(_path);
        ProducerSnapshots.Load(_services, _path, _segments, _producers, offset, rebuildFrom: null);
        SetHighWatermark(offset);
        StartAdvanced?.Invoke();
    });

    /// <summary>
    /// Where this log and its leader's part, when that ends the epoch at the offset, as far as one answer tells. What both have in common ends where either ends the largest
    /// epoch that both may have; if that epoch is not the leader's, its next answer leads further back.
    /// </summary>
    public long CommonEnd(int epoch, long endOffset)
    {
        (int ownEpoch, long ownEnd) = EndOffsetForEpoch(epoch);
        return Math.Min(ownEpoch < 0 ? endOffset : ownEpoch == epoch ? Math.Min(ownEnd, endOffset) : ownEnd, LogEndOffset);
    }

    private ErrorCode ChangeAsFollower(string operation, int leaderEpoch, Action change)
    {
        if (IsOffline)
        {
            return ErrorCode.KafkaStorageError;
        }

        try
        {
            lock (_lock)
            {
                if (!IsFollowing(leaderEpoch))
                {
                    return ErrorCode.NotLeaderOrFollower;
                }

                change();
            }

            return ErrorCode.None;
        }
        catch (DamagedSegmentException e)
        {
            ReportDamage(e);
            return ErrorCode.KafkaStorageError;
        }
        catch (Exception e) when (IsFailure(e, operation))
        {
            return ErrorCode.KafkaStorageError;
        }
    }

    private bool IsFollowing(int leaderEpoch) => !_isClosed && _follows && _roleEpoch == leaderEpoch;

    /// <summary>Whether an append as leader of this epoch comes too late.</summary>
    private bool HasLostLeadership(int leaderEpoch) => _follows || (_roleEpoch != NoRole && leaderEpoch < _roleEpoch);

    /// <summary>Bytes of the whole batches at the start that fit a segment together; at least one batch if there is one.</summary>
    private static int TakeBatches(ReadOnlySpan<byte> bytes, int segmentBytes)
    {
        int taken = 0;
        while (BatchInfo.TryParse(bytes[taken..], out BatchInfo batch) && batch.Size <= bytes.Length - taken && (taken == 0 || taken + batch.Size <= segmentBytes))
        {
            taken += batch.Size;
        }

        return taken;
    }

    /// <summary>Whether an empty log starts within the batch: records of it were deleted.</summary>
    private bool BeginsWithin(in BatchInfo batch) =>
        _logStartOffset == _logEndOffset && _segments.Length == 1 && Active.Size == 0 && batch.BaseOffset < _logEndOffset && batch.LastOffset >= _logEndOffset;

    /// <summary>The segment of an empty log begins where its first batch does.</summary>
    private void BeginAt(long baseOffset)
    {
        if (baseOffset >= Active.BaseOffset)
        {
            return;
        }

        LogSegment empty = Active;
        Directory.LogStartOffsets.Raise(TopicPartition, _logStartOffset);
        _segments = [LogSegment.Create(_services, _path, baseOffset, NewSegmentOptions(_config, _services.NowMs))];
        if (_producers.Count > 0)
        {
            // The one that is there goes with the empty segment.
            _producers.EndOffset = baseOffset;
            ProducerSnapshots.Write(Files, _path, _producers, durable: true);
        }

        DeleteLater(empty, _services.NowMs);
    }

    private ErrorCode AppendCopies(Span<byte> bytes, int leaderEpoch, TopicConfig config)
    {
        if (!IsFollowing(leaderEpoch))
        {
            return ErrorCode.NotLeaderOrFollower;
        }

        long next = _logEndOffset;
        long maxTimestampMs = -1;
        for (int at = 0; at < bytes.Length;)
        {
            _ = BatchInfo.TryParse(bytes[at..], out BatchInfo batch);
            if (batch.BaseOffset < next && !(at == 0 && BeginsWithin(batch)))
            {
                // Fetched from an offset that is not this log's end any more.
                return ErrorCode.OffsetOutOfRange;
            }

            maxTimestampMs = Math.Max(maxTimestampMs, batch.MaxTimestamp);
            next = batch.LastOffset + 1;
            at += batch.Size;
        }

        if (ShouldRoll(config, _services.NowMs, bytes.Length, maxTimestampMs, next - 1))
        {
            Roll(_logEndOffset, _services.NowMs);
        }

        for (int at = 0; at < bytes.Length;)
        {
            _ = BatchInfo.TryParse(bytes[at..], out BatchInfo batch);
            BeginAt(batch.BaseOffset);
            _epochs.AssignIfNewer(batch.LeaderEpoch, Math.Max(batch.BaseOffset, _logStartOffset));
            at += batch.Size;
        }

        Active.Append(bytes);
        ApplyProducers(bytes);
        Volatile.Write(ref _logEndOffset, next);
        UpdateLastStableOffset();
        return ErrorCode.None;
    }
}
