using System.Buffers;
using Broker.Protocol;

namespace Broker.Storage;

/// <summary>
/// One partition on its way to another directory: copies from the log that is served to the one that will take its place. Used by one thread at a time. The two logs guard
/// themselves; what has to happen with the first one's lock held is in <see cref="PartitionLog.TakeOver"/>.
/// </summary>
internal sealed class LogMove(PartitionLog current, PartitionLog future, LogServices services)
{
    private const int ChunkBytes = 1 << 20;

    // What is left to copy with the log's lock held; more than that is copied before.
    private const long RestBytes = 4 << 20;

    private ErrorCode _reported;

    public PartitionLog Current => current;

    public PartitionLog Future => future;

    private bool IsOver => current.Future != future || current.IsOffline || future.IsOffline || current.IsClosed;

    public MoveProgress Step(MoveOptions options)
    {
        if (IsOver)
        {
            return MoveProgress.Over;
        }

        if (options.IsThrottled())
        {
            return MoveProgress.Waiting;
        }

        long end = current.LogEndOffset;
        ErrorCode error = current.FollowTruncation();
        long copied = 0;
        if (error == ErrorCode.None)
        {
            (error, copied) = CopyChunk();
            options.OnCopied(copied);
            Follow();
        }

        if (error != ErrorCode.None)
        {
            Report(error);
            return IsOver ? MoveProgress.Over : MoveProgress.Waiting;
        }

        return copied == 0 || future.LogEndOffset >= end || services.Omits == Omission.CopiedToTheEnd ? MoveProgress.CaughtUp : MoveProgress.Copied;
    }

    /// <summary>With the log's lock held, so that it does not grow: false when that would take long, or does not work.</summary>
    public bool CopyRest()
    {
        for (long rest = 0; rest < RestBytes && services.Omits != Omission.CopiedToTheEnd;)
        {
            (ErrorCode error, long copied) = CopyChunk();
            if (error != ErrorCode.None)
            {
                return false;
            }

            if (copied == 0)
            {
                return true;
            }

            rest += copied;
        }

        return services.Omits == Omission.CopiedToTheEnd;
    }

    /// <summary>Brings a copy that an earlier process left to what both logs have. False: it has something else, and is of no use.</summary>
    public bool Align()
    {
        if (current.TopicId != future.TopicId || future.LogStartOffset > current.LogEndOffset
            || future.TruncateAsFollower(Math.Min(future.LogEndOffset, current.LogEndOffset), PartitionLog.FutureEpoch) != ErrorCode.None)
        {
            return false;
        }

        for (int epoch = future.LatestLeaderEpoch; epoch >= 0; epoch = future.LatestLeaderEpoch)
        {
            (int known, long end) = current.EndOffsetForEpoch(epoch);
            if (known == epoch && end >= future.LogEndOffset)
            {
                break;
            }

            if (known < 0 || future.TruncateAsFollower(future.CommonEnd(known, end), PartitionLog.FutureEpoch) != ErrorCode.None || future.LatestLeaderEpoch >= epoch)
            {
                return false;
            }
        }

        return HasSameEnd(future, current);
    }

    /// <summary>Whether the last batch of the one log is in the other one, at its offset and byte by byte. True for an empty one.</summary>
    public bool HasSameEnd(PartitionLog log, PartitionLog other) =>
        log.LogEndOffset == log.LogStartOffset || (Batch(log, log.LogEndOffset - 1) is { } last && Batch(other, log.LogEndOffset - 1) is { } same && last.AsSpan().SequenceEqual(same));

    private byte[]? Batch(PartitionLog log, long offset)
    {
        ReadResult read = log.Read(offset, 1, minOneBatch: true, long.MaxValue);
        if (read.Error != ErrorCode.None || read.Slice.Length == 0)
        {
            return null;
        }

        try
        {
            byte[] bytes = new byte[read.Slice.Length];
            return services.Files.Read(read.Slice.File, bytes, read.Slice.Position) == bytes.Length ? bytes : null;
        }
        catch (Exception e) when (log.Directory.TakeOffline(e, "read from", log.TopicPartition))
        {
            return null;
        }
    }

    /// <summary>Bytes that were read; 0 when nothing is left.</summary>
    private (ErrorCode Error, long Bytes) CopyChunk()
    {
        long start = current.LogStartOffset;
        if (future.LogEndOffset < start)
        {
            ErrorCode error = current.ProducersAt(start) is { } producers ? future.StartOverAsFollower(start, PartitionLog.FutureEpoch, producers) : ErrorCode.KafkaStorageError;
            if (error != ErrorCode.None)
            {
                return (error, 0);
            }
        }

        ReadResult read = current.Read(future.LogEndOffset, ChunkBytes, minOneBatch: true, long.MaxValue);
        if (read.Error != ErrorCode.None || read.Slice.Length == 0)
        {
            // Truncated meanwhile, when it is out of range: seen by the next step.
            return (read.Error == ErrorCode.OffsetOutOfRange ? ErrorCode.None : read.Error, 0);
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(read.Slice.Length);
        try
        {
            int count = services.Files.Read(read.Slice.File, buffer.AsSpan(0, read.Slice.Length), read.Slice.Position);
            return (future.AppendAsFollower(buffer.AsMemory(0, count), PartitionLog.FutureEpoch), count);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException && current.Directory.TakeOffline(e, "move", current.TopicPartition))
        {
            return (ErrorCode.KafkaStorageError, 0);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>What retention and DeleteRecords have taken from the log goes from the copy as well.</summary>
    private void Follow()
    {
        future.AdvanceHighWatermark(current.HighWatermark);
        if (current.LogStartOffset is var start && start > future.LogStartOffset && start <= future.HighWatermark)
        {
            future.DeleteRecords(start);
        }
    }

    /// <summary>Once for each reason: it is tried again and again.</summary>
    private void Report(ErrorCode error)
    {
        if (error != _reported)
        {
            _reported = error;
            services.Logger.MoveWaits(current.TopicPartition, future.Directory.Path, error);
        }
    }
}
