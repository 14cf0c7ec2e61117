using System.Buffers;

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

        try
        {
            foreach (LogSegment segment in _segments)
            {
                if (segment.Size > 0 && segment.Max.TimestampMs >= timestampMs && Search(segment, timestampMs, LogStartOffset) is { } found)
                {
                    return found;
                }
            }

            return null;
        }
        catch (Exception e) when (IsFailure(e, "search"))
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

        try
        {
            foreach (LogSegment segment in _segments)
            {
                max = Math.Max(max, segment.Size > 0 ? segment.Max.TimestampMs : -1);
            }
        }
        catch (Exception e) when (IsFailure(e, "search"))
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
        catch (Exception e) when (IsFailure(e, "search"))
        {
            return [];
        }
    }

    /// <summary>Transactions that were aborted and have records within [from, to).</summary>
    public IReadOnlyList<AbortedTransaction> AbortedTransactions(long from, long to)
    {
        if (IsOffline)
        {
            return [];
        }

        try
        {
            List<AbortedTransaction> found = [];
            LogSegment[] segments = _segments;
            for (int i = Math.Max(0, IndexOf(segments, from)); i < segments.Length; i++)
            {
                foreach (AbortedTransaction aborted in segments[i].Transactions.ToArray())
                {
                    if (aborted.LastOffset >= from && aborted.FirstOffset < to)
                    {
                        found.Add(aborted);
                    }

                    if (aborted.LastStableOffset >= to)
                    {
                        return found;
                    }
                }
            }

            return found;
        }
        catch (Exception e) when (IsFailure(e, "search"))
        {
            return [];
        }
    }

    private OffsetLookup? Search(LogSegment segment, long timestampMs, long logStartOffset)
    {
        TimeEntry entry = segment.Times.Lookup(timestampMs);
        int position = segment.Offsets.Lookup(Math.Max(entry.Offset, logStartOffset));
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ScanBufferSize);
        try
        {
            BatchScanner scanner = new(Files, segment.File, position, segment.Size, buffer);
            while (scanner.MoveNext())
            {
                BatchInfo batch = scanner.Current;
                if (batch.MaxTimestamp >= timestampMs && batch.LastOffset >= logStartOffset
                    && SearchBatch(segment, batch, scanner.Position, timestampMs, logStartOffset) is { } found)
                {
                    return found;
                }
            }

            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private OffsetLookup? SearchBatch(LogSegment segment, in BatchInfo batch, long position, long timestampMs, long logStartOffset)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(batch.Size);
        try
        {
            int count = Files.Read(segment.File, bytes.AsSpan(0, batch.Size), position);
            return RecordSearch.FirstAtOrAfter(bytes.AsSpan(0, count), timestampMs, logStartOffset) is { } found
                ? new OffsetLookup(found.Offset, found.TimestampMs, batch.LeaderEpoch)
                : null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }
}
