namespace Broker.Storage;

/// <summary>
/// How much of a log could be cleaned. The range begins where the last pass ended and ends before the active segment, the last stable offset, and segments younger
/// than min.compaction.lag.ms; what has to be kept below it is "clean".
/// </summary>
internal readonly record struct LogToClean(
    PartitionLog Log, CleaningState State, long FirstDirtyOffset, long FirstUncleanableOffset, long CleanBytes, long CleanableBytes, bool IsOverdue)
{
    public long TotalBytes => CleanBytes + CleanableBytes;

    public double Ratio => TotalBytes == 0 ? 0 : CleanableBytes / (double)TotalBytes;

    /// <summary>Dirty by more than min.cleanable.dirty.ratio, or older than max.compaction.lag.ms.</summary>
    public bool IsWorthIt => CleanableBytes > 0 && (IsOverdue || Ratio > Log.Config.MinCleanableDirtyRatio);

    public static LogToClean Of(PartitionLog log, long nowMs)
    {
        CleaningState state = log.StateForCleaning();
        LogSegment[] segments = state.Segments;
        long firstDirty = FirstDirty(log, segments);
        long limit = Math.Min(state.LastStableOffset, segments[^1].BaseOffset);
        int first = IndexOf(segments, firstDirty);
        limit = Math.Min(limit, FirstTooYoung(log, segments, first, nowMs));
        return Measure(log, state, firstDirty, Math.Max(firstDirty, limit), nowMs);
    }

    private static LogToClean Measure(PartitionLog log, CleaningState state, long firstDirty, long limit, long nowMs)
    {
        LogSegment[] segments = state.Segments;
        // Whole segments only: the one that holds the limit is out.
        int end = Math.Min(IndexOf(segments, limit), segments.Length - 1);
        long uncleanable = segments[end].BaseOffset;
        long cleanBytes = 0;
        long cleanableBytes = 0;
        int first = IndexOf(segments, Math.Min(firstDirty, uncleanable));
        for (int i = 0; i < end; i++)
        {
            bool isDirty = i >= first;
            cleanableBytes += isDirty ? segments[i].Size : 0;
            cleanBytes += segments[i].BaseOffset < firstDirty ? segments[i].Size : 0;
        }

        bool isOverdue = cleanableBytes > 0 && IsOverdueFrom(log, segments, IndexOf(segments, firstDirty), nowMs);
        return new LogToClean(log, state, firstDirty, uncleanable, cleanBytes, cleanableBytes, isOverdue);
    }

    /// <summary>A checkpoint that lies outside the log says nothing about it.</summary>
    private static long FirstDirty(PartitionLog log, LogSegment[] segments)
    {
        long start = Math.Max(log.LogStartOffset, segments[0].BaseOffset);
        long cleaned = log.CleanedUpTo;
        return cleaned < start || cleaned > log.LogEndOffset ? start : cleaned;
    }

    private static long FirstTooYoung(PartitionLog log, LogSegment[] segments, int first, long nowMs)
    {
        long lagMs = log.Config.MinCompactionLagMs;
        for (int i = first; lagMs > 0 && i < segments.Length - 1; i++)
        {
            if (segments[i].LargestTimestampMs > nowMs - lagMs)
            {
                return segments[i].BaseOffset;
            }
        }

        return long.MaxValue;
    }

    private static bool IsOverdueFrom(PartitionLog log, LogSegment[] segments, int first, long nowMs)
    {
        long lagMs = log.Config.MaxCompactionLagMs;
        for (int i = first; lagMs < nowMs && i < segments.Length - 1; i++)
        {
            if (segments[i].FirstBatchTimestampMs is { } timeMs and > 0 && timeMs < nowMs - lagMs)
            {
                return true;
            }
        }

        return false;
    }

    private static int IndexOf(LogSegment[] segments, long offset)
    {
        int index = segments.Length - 1;
        while (index > 0 && segments[index].BaseOffset > offset)
        {
            index--;
        }

        return index;
    }
}

/// <summary>A log at one moment.</summary>
/// <param name="Segments">The active one last.</param>
/// <param name="LastStableOffset">What lies below it is decided and replicated.</param>
/// <param name="Truncations">So far; another number means that none of this counts any more.</param>
internal sealed record CleaningState(LogSegment[] Segments, long LastStableOffset, int Truncations);
