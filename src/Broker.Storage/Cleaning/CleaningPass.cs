namespace Broker.Storage;

/// <summary>
/// One pass over one log: the map of the dirty part, then every segment from the log's start to where the map ends, group by group. Holds no lock but for the swap of
/// a group, and then looks whether the log is still the one that it began with. Used by one thread, once.
/// </summary>
internal sealed class CleaningPass
{
    private readonly PartitionLog _log;
    private readonly LogServices _services;
    private readonly CleanerOptions _options;
    private readonly CleaningThrottle _throttle;
    private readonly CancellationToken _stopping;
    private readonly int _truncations;
    private readonly IReadOnlyDictionary<long, ProducerEnd> _lastBatches;
    private readonly long _nowMs;

    public CleaningPass(LogToClean range, LogServices services, CleanerOptions options, CleaningThrottle throttle, CancellationToken stopping)
    {
        Range = range;
        _log = range.Log;
        _services = services;
        _options = options;
        _throttle = throttle;
        _stopping = stopping;
        _nowMs = services.NowMs;
        _truncations = range.State.Truncations;
        _lastBatches = _log.ProducerEnds();
    }

    public LogToClean Range { get; }

    /// <summary>The log's segments when the pass began, the active one included.</summary>
    public LogSegment[] Segments => Range.State.Segments;

    public CleaningStats Stats { get; } = new();

    private int BufferBytes => _options.IoBufferBytes / Math.Max(1, _options.Threads) / 2;

    /// <summary>True when the log was truncated, deleted, moves or is no longer compacted: nothing that the pass saw counts any more.</summary>
    public bool IsOvertaken => _log.IsOvertaken(_truncations);

    /// <summary>Returns the offset that the log is clean up to now.</summary>
    public long Run()
    {
        ThrowIfStopped();
        long memory = _options.DedupeBufferBytes / Math.Max(1, _options.Threads);
        using KeyOffsetMap map = new(memory, _options.LoadFactor, Range.FirstUncleanableOffset - Range.FirstDirtyOffset);
        OffsetMapBuilder.Build(this, map);
        Stats.MapUse = map.Use;
        long end = map.LatestOffset + 1;
        CleaningRules rules = new(_nowMs, _log.Config.DeleteRetentionMs, end, _lastBatches);
        CleanedTransactions transactions = new();
        BatchFilter filter = new(map, rules, transactions, Stats);
        long legacyHorizonMs = LegacyHorizonMs();
        int count = 0;
        while (count < Segments.Length - 1 && Segments[count].BaseOffset < end)
        {
            count++;
        }

        foreach (LogSegment[] group in SegmentGroups.Of(Segments.AsSpan(0, count), _log.Config, Range.FirstUncleanableOffset))
        {
            CleanGroup(group, filter, transactions, legacyHorizonMs);
        }

        return _log.FinishCleaning(_truncations, end) ? end : throw new CleaningAbortedException("it was truncated or deleted");
    }

    /// <summary>From a position on, whole batches; each read is paid for and looks whether to go on.</summary>
    public SegmentBatchReader Read(LogSegment segment, int from) => new(_services.Files, segment, from, BufferBytes, Account);

    public IReadOnlyList<AbortedTransaction> AbortedTransactions(long from, long to)
    {
        IReadOnlyList<AbortedTransaction> aborted = _log.AbortedTransactions(from, to);

        // No answer looks like none aborted.
        ThrowIfStopped();
        return aborted;
    }

    private void CleanGroup(LogSegment[] group, BatchFilter filter, CleanedTransactions transactions, long legacyHorizonMs)
    {
        var config = _log.Config;
        if (!_log.Directory.HasRoomToWork(group.Sum(static segment => (long)segment.Size)))
        {
            throw new CleaningAbortedException("there is no room for its new segments beside the old ones");
        }

        using CleanedSegmentWriter output = new(
            _services.Files, _log.DirectoryPath, group[0].BaseOffset, config.IndexIntervalBytes, config.SegmentIndexBytes, BufferBytes, Account);
        transactions.Output = output.Transactions;
        transactions.StartFrom(ProducerSnapshots.Before(_services, _log.DirectoryPath, Segments, group[0].BaseOffset));
        foreach (LogSegment segment in group)
        {
            int index = Array.IndexOf(Segments, segment);

            // To the segment's end also when the map ends before: what is aborted behind that must not pass for committed.
            transactions.Add(AbortedTransactions(segment.BaseOffset, Segments[index + 1].BaseOffset));
            filter.KeepsLegacyTombstones = ModifiedMs(segment) > legacyHorizonMs;
            using SegmentBatchReader reader = Read(segment, 0);
            while (reader.MoveNext())
            {
                filter.Filter(reader.Current, reader.CurrentBytes, output);
            }
        }

        output.Finish(group[^1].LastModifiedUtc);
        ThrowIfStopped();
        if (_log.RecoveryPoint < _log.LogEndOffset && _log.Flush() != Protocol.ErrorCode.None)
        {
            // A power cut must not take the newer record, or the marker, because of which an older one goes.
            throw new CleaningAbortedException("it cannot be flushed");
        }

        if (_log.ReplaceSegments(group, output, _truncations))
        {
            Stats.BytesWritten += output.Size;
            _services.Logger.SegmentsCleaned(_log.TopicPartition, group.Length, group[0].BaseOffset, output.Size);
        }
    }

    /// <summary>Tombstones of old formats in segments that are older than this go: that of the last segment cleaned before, less delete.retention.ms.</summary>
    private long LegacyHorizonMs()
    {
        LogSegment? last = null;
        foreach (LogSegment segment in Segments)
        {
            last = segment.BaseOffset < Range.FirstDirtyOffset ? segment : last;
        }

        return last is null ? 0 : ModifiedMs(last) - _log.Config.DeleteRetentionMs;
    }

    private static long ModifiedMs(LogSegment segment) => new DateTimeOffset(segment.LastModifiedUtc).ToUnixTimeMilliseconds();

    private void Account(int bytes)
    {
        ThrowIfStopped();
        _throttle.Take(bytes, _stopping);
    }

    private void ThrowIfStopped()
    {
        if (_stopping.IsCancellationRequested)
        {
            throw new CleaningAbortedException("the broker stops");
        }

        if (IsOvertaken)
        {
            throw new CleaningAbortedException("it was truncated, deleted, moves, or is no longer compacted");
        }
    }
}
