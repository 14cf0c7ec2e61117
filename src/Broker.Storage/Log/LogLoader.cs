using Broker.Configuration;
using Broker.Protocol;

namespace Broker.Storage;

/// <summary>
/// Opens a partition's directory. After a clean shutdown nothing is scanned but the end of the last segment; otherwise every segment from the recovery point on is
/// checked batch by batch, cut after the last good one, and what lies behind the cut is dropped. Runs before anybody else sees the log.
/// </summary>
internal static class LogLoader
{
    public static LoadedLog Load(
        LogServices services, string path, TopicPartition tp, TopicConfig config, LogCheckpoints checkpoints, bool isClean)
    {
        SegmentFiles found = SegmentFiles.Collect(services, path);
        Guid topicId = ReadTopicId(services, path);
        LeaderEpochs epochs = ReadEpochs(services, path);
        List<LogSegment> segments = [];
        foreach ((long baseOffset, long length) in found.Logs)
        {
            int size = (int)Math.Min(length, int.MaxValue);
            segments.Add(new LogSegment(services, path, baseOffset, size, PartitionLog.NewSegmentOptions(config, services.NowMs)));
        }

        TellEmptied(services, tp, segments);

        if (!isClean)
        {
            FinishStartOver(services, tp, segments, checkpoints.LogStartOffset);
        }

        bool hasEpochs = epochs.HasFile;
        if (!hasEpochs)
        {
            RebuildEpochs(services, tp, path, segments, epochs);
        }

        long? end = isClean && segments.Count > 0 ? EndAfterCleanStop(segments[^1], checkpoints.RecoveryPoint) : null;
        long? rebuildFrom = null;
        bool isCut = false;
        if (end is null && segments.Count > 0)
        {
            // A clean marker with another end than the stop left: somebody touched the files. The last segment alone is suspect then.
            int first = isClean ? segments.Count - 1 : FirstToRecover(segments, checkpoints.RecoveryPoint);
            rebuildFrom = segments[first].BaseOffset;
            epochs.TruncateFromEnd(segments[first].BaseOffset);
            (end, isCut) = Recover(services, tp, segments, first, epochs, GapsBelow(config, checkpoints));
        }

        TellEnd(services, tp, path, end ?? 0, checkpoints, isClean);
        bool isWhole = isClean && rebuildFrom is null && segments.Count > 0;
        if (isCut && end < checkpoints.LogStartOffset)
        {
            // It is the log that is damaged, and only what was deleted is left of it.
            end = null;
        }

        long start = end is not null && checkpoints.LogStartOffset > 0
            ? BelievedStart(services, tp, segments[0].BaseOffset, hasEpochs && isWhole ? epochs : null, checkpoints.LogStartOffset, end.Value)
            : checkpoints.LogStartOffset;
        if (end is null)
        {
            services.Logger.LogStartsOver(tp, start);
            end = StartOver(services, path, segments, config, start);
            rebuildFrom = null;
        }

        DropBelow(services, tp, segments, start);
        LogSegment[] all = [.. segments];
        if (start > all[0].BaseOffset)
        {
            services.Logger.LogStartLoaded(tp, start);
        }

        start = Math.Max(start, all[0].BaseOffset);
        epochs.TruncateFromEnd(end.Value);
        epochs.TruncateFromStart(start);
        ProducerStates producers = LoadProducers(services, tp, path, all, found, end.Value, rebuildFrom, isClean);
        foreach (LogSegment segment in all)
        {
            // Most logs of many are idle: a file is opened again by its first reader or writer.
            segment.Close();
        }

        return new LoadedLog(tp, topicId, path, all, producers, epochs, start, end.Value, checkpoints.HighWatermark, Math.Min(checkpoints.RecoveryPoint, end.Value));
    }

    /// <summary>A new, empty log.</summary>
    public static LoadedLog Create(LogServices services, string path, TopicPartition tp, Guid topicId, TopicConfig config)
    {
        services.Files.CreateDirectory(path);
        if (topicId != Guid.Empty)
        {
            // An empty log is made again should a power cut take it: nothing waits for the disk before the first flush.
            PartitionMetadataFile.Write(services.Files, path, topicId, durable: false);
        }

        LogSegment segment = LogSegment.Create(services, path, 0, PartitionLog.NewSegmentOptions(config, services.NowMs));
        return new LoadedLog(tp, topicId, path, [segment], new ProducerStates(), new LeaderEpochs(services.Files, path), 0, 0, 0, 0);
    }

    /// <summary>
    /// Null when the last segment has to be checked. A clean stop leaves the recovery point at the end of the log, so another end shows damage of the tail, of the
    /// checkpoint, or a missing segment. Zero is no entry.
    /// </summary>
    private static long? EndAfterCleanStop(LogSegment last, long recoveryPoint) =>
        last.FindNextOffset() is { } end && (end == recoveryPoint || recoveryPoint == 0) ? end : null;

    /// <summary>The log was being replaced by an empty one that begins at its new start offset when the process died.</summary>
    private static void FinishStartOver(LogServices services, TopicPartition tp, List<LogSegment> segments, long logStartOffset)
    {
        int first = segments.FindIndex(s => s.BaseOffset == logStartOffset);
        for (int i = first - 1; i >= 0; i--)
        {
            services.Logger.SegmentBelowStart(tp, segments[i].BaseOffset, logStartOffset);
            segments[i].DeleteFiles();
            segments.RemoveAt(i);
        }
    }

    private static void TellEnd(LogServices services, TopicPartition tp, string path, long end, LogCheckpoints checkpoints, bool isClean)
    {
        long recoveryPoint = checkpoints.RecoveryPoint;
        if (end < recoveryPoint)
        {
            services.Logger.LogShorterThanFlushed(tp, path, end, recoveryPoint);
        }
        else if (end < checkpoints.HighWatermark)
        {
            services.Logger.LogShorterThanSeen(tp, path, end, checkpoints.HighWatermark);
        }
        else if (isClean && end > recoveryPoint && recoveryPoint > 0)
        {
            services.Logger.LogLongerThanFlushed(tp, end, recoveryPoint);
        }
    }

    /// <summary>
    /// A log start offset in a checkpoint that was damaged would delete records. Two others can contradict it: the end of the log, because nothing is written there that was
    /// not flushed before, and after a clean stop the leader epochs, of which none starts below the log start offset.
    /// </summary>
    private static long BelievedStart(LogServices services, TopicPartition tp, long firstOffset, LeaderEpochs? epochs, long logStartOffset, long end)
    {
        long believed = logStartOffset;
        string reason = "";
        if (logStartOffset > end)
        {
            believed = firstOffset;
            reason = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"the log ends at offset {end}");
        }
        else if (epochs is not null && epochs.Entries.Length > 0 && epochs.Entries[0].StartOffset < logStartOffset)
        {
            believed = Math.Max(firstOffset, epochs.Entries[0].StartOffset);
            reason = $"{LogFileNames.LeaderEpochs} knows of records below it";
        }

        if (believed != logStartOffset)
        {
            services.Logger.LogStartNotBelieved(tp, logStartOffset, reason, believed);
        }

        return believed;
    }

    /// <summary>Guid.Empty when the file is damaged: the metadata of the cluster knows the id and has it written again.</summary>
    private static Guid ReadTopicId(LogServices services, string path)
    {
        try
        {
            return PartitionMetadataFile.Read(services.Files, path);
        }
        catch (InvalidDataException e)
        {
            services.Logger.FileIgnored(e, Path.Combine(path, LogFileNames.PartitionMetadata));
            return Guid.Empty;
        }
    }

    private static void RebuildEpochs(LogServices services, TopicPartition tp, string path, List<LogSegment> segments, LeaderEpochs epochs)
    {
        foreach (LogSegment segment in segments)
        {
            segment.CollectEpochs(epochs);
        }

        if (epochs.Entries.Length > 0)
        {
            services.Logger.EpochsMissing(tp, Path.Combine(path, LogFileNames.LeaderEpochs));
        }
    }

    /// <summary>A damaged file counts as none: the batches know their epochs.</summary>
    private static LeaderEpochs ReadEpochs(LogServices services, string path)
    {
        try
        {
            return new LeaderEpochs(services.Files, path);
        }
        catch (InvalidDataException e)
        {
            string file = Path.Combine(path, LogFileNames.LeaderEpochs);
            services.Logger.FileIgnored(e, file);
            services.Files.Delete(file);
            return new LeaderEpochs(services.Files, path);
        }
    }

    private static long GapsBelow(TopicConfig config, LogCheckpoints checkpoints) => config.IsCompacted ? long.MaxValue : checkpoints.GapsBelow;

    private static int FirstToRecover(List<LogSegment> segments, long recoveryPoint)
    {
        int first = segments.Count - 1;
        while (first > 0 && segments[first].BaseOffset > recoveryPoint)
        {
            first--;
        }

        return first;
    }

    /// <summary>The offset behind the last good batch, and whether something was cut off behind it.</summary>
    private static (long End, bool IsCut) Recover(LogServices services, TopicPartition tp, List<LogSegment> segments, int first, LeaderEpochs epochs, long gapsBelow)
    {
        long end = segments[first].BaseOffset;
        bool isCut = false;
        for (int i = first; i < segments.Count; i++)
        {
            // A segment that lost its end exactly between two batches looks whole. Only compaction leaves gaps, and nothing leaves overlaps.
            long baseOffset = segments[i].BaseOffset;
            if (baseOffset < end || (baseOffset > end && end >= gapsBelow))
            {
                isCut = true;
                services.Logger.SegmentOutOfPlace(tp, baseOffset, end);
                Drop(services, tp, segments, i);
                break;
            }

            (long cutBytes, long unusedBytes, end) = segments[i].Recover(epochs, gapsBelow, i + 1 < segments.Count ? segments[i + 1].BaseOffset : long.MaxValue);
            services.Logger.SegmentRecovered(tp, baseOffset, end);
            if (unusedBytes > 0)
            {
                services.Logger.ZerosCut(tp, unusedBytes, baseOffset, end);
            }

            if (cutBytes > 0)
            {
                isCut = true;
                services.Logger.TailCut(tp, cutBytes, baseOffset, end);
                Drop(services, tp, segments, i + 1);
            }
        }

        return (end, isCut);
    }

    /// <summary>An empty segment that is not the last is what a cleaner may leave, but then its indexes are empty, too.</summary>
    private static void TellEmptied(LogServices services, TopicPartition tp, List<LogSegment> segments)
    {
        foreach (LogSegment segment in segments[..Math.Max(0, segments.Count - 1)])
        {
            if (segment.Size == 0 && segment.DropIndexesOfEmpty())
            {
                services.Logger.SegmentEmptied(tp, segment.BaseOffset);
            }
        }
    }

    /// <summary>The newest first: a crash in between must not leave a hole.</summary>
    private static void Drop(LogServices services, TopicPartition tp, List<LogSegment> segments, int from)
    {
        for (int i = segments.Count - 1; i >= from; i--)
        {
            services.Logger.SegmentBehindDamage(tp, segments[i].BaseOffset);
            segments[i].DeleteFiles();
        }

        segments.RemoveRange(from, segments.Count - from);
    }

    /// <summary>What retention would remove next; after a crash there may be a hole between these and the log start offset.</summary>
    private static void DropBelow(LogServices services, TopicPartition tp, List<LogSegment> segments, long logStartOffset)
    {
        while (segments.Count > 1 && segments[1].BaseOffset <= logStartOffset)
        {
            services.Logger.SegmentBelowStart(tp, segments[0].BaseOffset, logStartOffset);
            segments[0].DeleteFiles();
            segments.RemoveAt(0);
        }
    }

    /// <summary>Nothing at or above the log start offset is left: an empty log that begins there.</summary>
    private static long StartOver(LogServices services, string path, List<LogSegment> segments, TopicConfig config, long startOffset)
    {
        foreach (LogSegment segment in segments)
        {
            segment.DeleteFiles();
        }

        segments.Clear();
        segments.Add(LogSegment.Create(services, path, startOffset, PartitionLog.NewSegmentOptions(config, services.NowMs)));
        return startOffset;
    }

    private static ProducerStates LoadProducers(
        LogServices services, TopicPartition tp, string path, LogSegment[] segments, SegmentFiles found, long end, long? rebuildFrom, bool isClean)
    {
        ProducerStates producers = new();
        if (isClean && found.Snapshots.Count == 0 && rebuildFrom is null)
        {
            // Every clean shutdown leaves a snapshot: a directory without one is older than idempotent producers, or the file was lost.
            if (segments.All(static s => !s.HasCurrentFormat))
            {
                producers.EndOffset = end;
                return producers;
            }

            services.Logger.SnapshotsMissing(tp);
        }

        // What was listed holds as long as no segment was deleted since, and its snapshot with it.
        bool isAsListed = rebuildFrom is null && segments.Length == found.Logs.Count && segments[0].BaseOffset == found.Logs[0].BaseOffset;
        ProducerSnapshots.Load(services, path, segments, producers, end, rebuildFrom, isAsListed ? found.Snapshots : null);
        return producers;
    }
}
