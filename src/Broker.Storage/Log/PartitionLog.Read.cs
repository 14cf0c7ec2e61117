using Broker.Protocol;

namespace Broker.Storage;

public sealed partial class PartitionLog
{
    private static readonly ReadResult Nothing = new(ErrorCode.None, default);

    private string? _reportedDamage;

    /// <summary>
    /// From the batch that holds <paramref name="offset"/> up to the batch that holds <paramref name="upperBound"/> (exclusive), within one segment. The last batch may be
    /// cut short by <paramref name="maxBytes"/>, as clients expect; with <paramref name="minOneBatch"/> the first one is whole whatever its size.
    /// </summary>
    public ReadResult Read(long offset, int maxBytes, bool minOneBatch, long upperBound)
    {
        if (IsOffline)
        {
            return new ReadResult(ErrorCode.KafkaStorageError, default);
        }

        // The end offset before the segments: a list read later holds at least what that offset promises.
        long end = LogEndOffset;
        if (offset < LogStartOffset || offset > end)
        {
            return new ReadResult(ErrorCode.OffsetOutOfRange, default);
        }

        upperBound = Math.Min(upperBound, end);
        if (offset >= upperBound || (maxBytes <= 0 && !minOneBatch))
        {
            return Nothing;
        }

        LogDirectory directory = _directory;
        try
        {
            return ReadRange(offset, maxBytes, minOneBatch, upperBound);
        }
        catch (DamagedSegmentException e)
        {
            ReportDamage(e);
            return new ReadResult(ErrorCode.CorruptMessage, default);
        }
        catch (Exception e) when (IsFailure(e, "read from", directory))
        {
            return directory != _directory ? Read(offset, maxBytes, minOneBatch, upperBound) : new ReadResult(ErrorCode.KafkaStorageError, default);
        }
    }

    /// <summary>
    /// True when a read at the offset finds its range without waiting for a disk: nothing is there yet, its batch was appended lately, or the files around it are in memory.
    /// </summary>
    public bool IsAtHand(long offset)
    {
        LogSegment[] segments = _segments;
        return offset >= LogEndOffset || (IndexOf(segments, offset) is >= 0 and var i && segments[i].IsAtHand(offset));
    }

    /// <summary>Once for each place: readers come back.</summary>
    private void ReportDamage(DamagedSegmentException damage)
    {
        if (Interlocked.Exchange(ref _reportedDamage, damage.Message) != damage.Message)
        {
            Logger.SegmentDamaged(damage, TopicPartition);
        }
    }

    private ReadResult ReadRange(long offset, int maxBytes, bool minOneBatch, long upperBound)
    {
        LogSegment[] segments = _segments;
        for (int i = Math.Max(0, IndexOf(segments, offset)); i < segments.Length && segments[i].BaseOffset < upperBound; i++)
        {
            LogSegment segment = segments[i];

            // Nothing at or above the offset here: compaction or an aligned roll put it into the next segment.
            if (!segment.TryFind(offset, out BatchPosition first, out int size))
            {
                continue;
            }

            long next = i + 1 < segments.Length ? segments[i + 1].BaseOffset : long.MaxValue;
            if (first.LastOffset >= next)
            {
                throw segment.DamagedAt(first.Position);
            }

            bool isWhole = next <= upperBound;
            int limit = isWhole ? size : segment.EndPositionOf(upperBound);
            int wanted = minOneBatch ? Math.Max(maxBytes, first.Size) : maxBytes;
            int length = Math.Min(limit - first.Position, wanted);
            if (length <= 0)
            {
                return Nothing;
            }

            length = segment.SoundLength(first, length, next);
            long endOffset = isWhole ? next : upperBound;
            if (length < limit - first.Position)
            {
                endOffset = segment.OffsetBehind(first.Position + length) ?? endOffset;
            }

            return new ReadResult(ErrorCode.None, new FileSlice(segment.File, first.Position, length), Math.Min(endOffset, upperBound));
        }

        return Nothing;
    }
}
