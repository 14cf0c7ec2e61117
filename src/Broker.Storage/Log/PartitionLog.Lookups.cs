using System.Buffers;
using Broker.Protocol.Records;

namespace Broker.Storage;

public sealed partial class PartitionLog
{
    private const long LatestTimestamp = -1;
    private const long EarliestTimestamp = -2;
    private const int ScanBufferSize = 16 * 1024;

    /// <summary>The first record with this timestamp or a later one; null when there is none.</summary>
    public OffsetLookup? OffsetForTimestamp(long timestampMs)
    {
        if (IsOffline)
        {
            return null;
        }

        LogDirectory directory = _directory;
        try
        {
            LogSegment[] segments = _segments;
            for (int i = 0; i < segments.Length; i++)
            {
                if (TrySearch(segments[i], timestampMs, i + 1 < segments.Length ? segments[i + 1].BaseOffset : long.MaxValue) is { } found)
                {
                    return found;
                }
            }

            return null;
        }
        catch (Exception e) when (IsFailure(e, "search", directory))
        {
            return null;
        }
    }

    /// <summary>The first record that has the largest timestamp of the log; null when the log is empty or has no timestamps.</summary>
    public OffsetLookup? MaxTimestampOffset()
    {
        long max = -1;
        if (IsOffline)
        {
            return null;
        }

        LogDirectory directory = _directory;
        try
        {
            foreach (LogSegment segment in _segments)
            {
                segment.CheckMax();
                max = Math.Max(max, segment.Size > 0 ? segment.Max.TimestampMs : -1);
            }
        }
        catch (Exception e) when (IsFailure(e, "search", directory))
        {
            return null;
        }

        return max < 0 ? null : OffsetForTimestamp(max);
    }

    /// <summary>ListOffsets v0: segment boundaries written before the time, newest first. -1 asks for the latest, -2 for the earliest.</summary>
    public IReadOnlyList<long> LegacyOffsetsBefore(long timestampMs, int maxCount)
    {
        if (IsOffline)
        {
            return [];
        }

        LogDirectory directory = _directory;
        try
        {
            LogSegment[] segments = _segments;
            List<(long Offset, long ModifiedMs)> boundaries = new(segments.Length + 1);
            foreach (LogSegment segment in segments)
            {
                long modifiedMs = new DateTimeOffset(segment.LastModifiedUtc).ToUnixTimeMilliseconds();
                boundaries.Add((Math.Max(segment.BaseOffset, LogStartOffset), modifiedMs));
            }

            if (segments[^1].Size > 0)
            {
                boundaries.Add((LogEndOffset, _services.NowMs));
            }

            int start = timestampMs == EarliestTimestamp ? 0 : boundaries.Count - 1;
            while (timestampMs is not LatestTimestamp and not EarliestTimestamp && start >= 0 && boundaries[start].ModifiedMs > timestampMs)
            {
                start--;
            }

            List<long> offsets = [];
            for (int i = start; i >= 0 && offsets.Count < maxCount; i--)
            {
                offsets.Add(boundaries[i].Offset);
            }

            return offsets;
        }
        catch (Exception e) when (IsFailure(e, "search", directory))
        {
            return [];
        }
    }

    /// <summary>Nothing is found in the part of a segment that cannot be read; those behind it are looked at all the same.</summary>
    private OffsetLookup? TrySearch(LogSegment segment, long timestampMs, long limit)
    {
        try
        {
            if (segment.Size == 0)
            {
                return null;
            }

            segment.CheckMax();
            return segment.Max.TimestampMs >= timestampMs ? Search(segment, timestampMs, LogStartOffset, limit) : null;
        }
        catch (DamagedSegmentException e)
        {
            ReportDamage(e);
            return null;
        }
    }

    private OffsetLookup? Search(LogSegment segment, long timestampMs, long logStartOffset, long limit)
    {
        int position = segment.StartOfSearch(timestampMs, logStartOffset);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ScanBufferSize);
        try
        {
            int size = segment.Size;
            long previous = position == 0 ? segment.BaseOffset - 1 : -1;
            BatchScanner scanner = new(Files, segment.File, position, size, buffer);
            while (scanner.MoveNext())
            {
                BatchInfo batch = scanner.Current;
                bool isBehindGap = previous >= 0 && batch.Magic >= 2 && batch.BaseOffset > previous + 1;
                if (!batch.Follows(previous, segment.BaseOffset) || (isBehindGap && segment.IsDisproved(batch, scanner.NextPosition, size, limit)))
                {
                    throw segment.DamagedAt(scanner.Position);
                }

                previous = batch.LastOffset;
                if (batch.MaxTimestamp >= timestampMs && batch.LastOffset >= logStartOffset
                    && SearchBatch(segment, batch, scanner.Position, timestampMs, logStartOffset) is { } found)
                {
                    return found;
                }
            }

            return scanner.NextPosition == size ? null : throw segment.DamagedAt(scanner.NextPosition);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>A damaged batch has no record to be found: nobody can read it.</summary>
    private OffsetLookup? SearchBatch(LogSegment segment, in BatchInfo batch, long position, long timestampMs, long logStartOffset)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(batch.Size);
        try
        {
            Span<byte> read = bytes.AsSpan(0, Files.Read(segment.File, bytes.AsSpan(0, batch.Size), position));
            if (read.Length < batch.Size || !RecordBatchScanner.HasValidCrc(read))
            {
                ReportDamage(segment.DamagedAt(position));
                return null;
            }

            return RecordSearch.FirstAtOrAfter(read, timestampMs, logStartOffset) is { } found
                ? new OffsetLookup(found.Offset, found.TimestampMs, batch.LeaderEpoch)
                : null;
        }
        catch (InvalidRecordsException)
        {
            // Its checksum is right: it was appended like that, by a broker that checks less.
            ReportDamage(segment.DamagedAt(position));
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
