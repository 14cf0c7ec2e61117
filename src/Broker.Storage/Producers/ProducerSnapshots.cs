using System.Buffers;

namespace Broker.Storage;

/// <summary>The snapshot files of one log: writes them, and brings <see cref="ProducerStates"/> to an offset from the newest good one and the log behind it.</summary>
internal static class ProducerSnapshots
{
    private const int ScanBufferSize = 256 * 1024;

    public static void Write(LogFiles files, string directory, ProducerStates producers, bool durable)
    {
        files.Replace(PathOf(directory, producers.EndOffset), ProducerSnapshot.Encode(producers.All), durable);
        producers.SnapshotOffset = producers.EndOffset;
    }

    /// <summary>Forces the snapshot of an offset to the disk, if it is still there: what retention deletes later cannot be replayed.</summary>
    public static void Flush(LogFiles files, string directory, long offset)
    {
        try
        {
            using var file = files.Open(PathOf(directory, offset), create: false);
            files.Flush(file);
        }
        catch (FileNotFoundException)
        {
            // A truncation or retention was faster.
            return;
        }

        files.FlushDirectory(directory);
    }

    /// <summary>
    /// Loads the state as of <paramref name="endOffset"/>. With <paramref name="rebuildFrom"/> the transaction index entries and the snapshots of segments from that offset on are
    /// written again, because recovery emptied them. <paramref name="known"/>: the snapshots that are there, when that is known.
    /// </summary>
    public static void Load(
        LogServices services, string directory, LogSegment[] segments, ProducerStates producers, long endOffset, long? rebuildFrom, SortedSet<long>? known = null)
    {
        SortedSet<long> snapshots = known ?? Find(services.Files, directory);
        DropUnusable(services.Files, directory, segments, snapshots, endOffset);
        if (rebuildFrom is { } rebuilt)
        {
            // They tell of what was there before; of a compacted log a crash may have taken batches in the middle, and what is left ends where it did.
            DropAbove(services.Files, directory, snapshots, rebuilt);
        }

        long from = LoadNewest(services, directory, snapshots, producers, Math.Min(rebuildFrom ?? endOffset, endOffset));
        if (from < 0)
        {
            // Also below the log start offset, as far as there is something: a marker there ends a transaction as well.
            from = segments[0].BaseOffset;
            producers.Load([], from, 0, 0);
        }
        else if (from < segments[0].BaseOffset)
        {
            // The marker may be among what is gone. Records of a transaction that is still open open it again.
            producers.ForgetTransactionsBelow(segments[0].BaseOffset);
        }

        // From the snapshot on, though the log may start later: the marker of a transaction that the snapshot shows open may lie in between.
        producers.SnapshotOffset = snapshots.Count > 0 ? snapshots.Max : -1;
        Replay(services, directory, segments, snapshots, producers, Math.Max(from, segments[0].BaseOffset), endOffset, rebuildFrom);
        producers.EndOffset = endOffset;
    }

    /// <summary>Without it a later start replays a little more.</summary>
    private static void WriteIfThereIsRoom(LogFiles files, string directory, ProducerStates producers)
    {
        try
        {
            Write(files, directory, producers, durable: false);
        }
        catch (DiskFullException)
        {
            // Full when the broker starts: it still serves what is there.
        }
    }

    /// <summary>
    /// What the newest intact snapshot at or below an offset says; nothing, as of the log's start and without a snapshot offset, when there is none. Retention may run beside it.
    /// </summary>
    public static ProducerStates Before(LogServices services, string directory, LogSegment[] segments, long offset)
    {
        ProducerStates producers = new();
        foreach (long taken in Find(services.Files, directory).Reverse())
        {
            if (taken <= offset && taken >= segments[0].BaseOffset && TryRead(services.Files, PathOf(directory, taken)) is { } states)
            {
                producers.Load(states, taken, services.NowMs, services.ProducerIdExpirationMs);
                producers.SnapshotOffset = taken;
                return producers;
            }
        }

        producers.Load([], segments[0].BaseOffset, 0, 0);
        return producers;
    }

    /// <summary>What the log knew of its producers right before an offset, as far as it still can tell. A batch that goes across it does not count. Retention may run beside it.</summary>
    public static ProducerStates At(LogServices services, string directory, LogSegment[] segments, long offset)
    {
        ProducerStates producers = Before(services, directory, segments, offset);
        Replay(services, directory, segments, [], producers, producers.EndOffset, offset, rebuildFrom: null);
        producers.EndOffset = offset;
        return producers;
    }

    private static IEnumerable<ProducerState>? TryRead(LogFiles files, string path)
    {
        try
        {
            return ProducerSnapshot.TryDecode(files.ReadAll(path));
        }
        catch (FileNotFoundException)
        {
            // It went with its segment since it was listed.
            return null;
        }
    }

    private static SortedSet<long> Find(LogFiles files, string directory)
    {
        SortedSet<long> offsets = [];
        foreach (FileEntry entry in files.List(directory))
        {
            if (LogFileNames.TryParse(entry.Name, LogFileNames.Snapshot, out long offset))
            {
                offsets.Add(offset);
            }
        }

        return offsets;
    }

    /// <summary>Outside of the log (what ended a transaction right after it may be gone then), or neither at a segment's start nor the newest.</summary>
    private static void DropUnusable(LogFiles files, string directory, LogSegment[] segments, SortedSet<long> snapshots, long endOffset)
    {
        HashSet<long> starts = [];
        foreach (LogSegment segment in segments)
        {
            starts.Add(segment.BaseOffset);
        }

        foreach (long offset in snapshots.ToArray())
        {
            bool isNewestUsable = offset <= endOffset && snapshots.GetViewBetween(offset, endOffset).Count == 1;
            if (offset > endOffset || offset < segments[0].BaseOffset || (!starts.Contains(offset) && !isNewestUsable))
            {
                files.Delete(PathOf(directory, offset));
                snapshots.Remove(offset);
            }
        }
    }

    /// <summary>
    /// Those inside of segments that were cleaned, both ends exclusive: only what stood at their start was looked at when markers went, so from these a transaction could stay open.
    /// </summary>
    public static void DeleteBetween(LogFiles files, string directory, long start, long end)
    {
        foreach (long offset in Find(files, directory).GetViewBetween(start, end))
        {
            if (offset > start && offset < end)
            {
                files.Delete(PathOf(directory, offset));
            }
        }
    }

    private static void DropAbove(LogFiles files, string directory, SortedSet<long> snapshots, long offset)
    {
        foreach (long taken in snapshots.Where(s => s > offset).ToArray())
        {
            files.Delete(PathOf(directory, taken));
            snapshots.Remove(taken);
        }
    }

    private static long LoadNewest(LogServices services, string directory, SortedSet<long> snapshots, ProducerStates producers, long limit)
    {
        foreach (long offset in snapshots.Reverse().ToArray())
        {
            if (offset > limit)
            {
                continue;
            }

            string path = PathOf(directory, offset);
            if (ProducerSnapshot.TryDecode(services.Files.ReadAll(path)) is { } states)
            {
                producers.Load(states, offset, services.NowMs, services.ProducerIdExpirationMs);
                return offset;
            }

            services.Logger.SnapshotDamaged(path);
            services.Files.Delete(path);
            snapshots.Remove(offset);
        }

        return -1;
    }

    private static void Replay(
        LogServices services, string directory, LogSegment[] segments, SortedSet<long> snapshots, ProducerStates producers, long from, long endOffset, long? rebuildFrom)
    {
        byte[]? buffer = null;
        for (int i = 0; i < segments.Length && from < endOffset; i++)
        {
            LogSegment segment = segments[i];
            if (i + 1 < segments.Length && segments[i + 1].BaseOffset <= from)
            {
                continue;
            }

            if (segment.BaseOffset > from || (segment.BaseOffset == from && rebuildFrom is not null && from > 0))
            {
                producers.EndOffset = segment.BaseOffset;
                if (rebuildFrom is not null && snapshots.Add(segment.BaseOffset))
                {
                    WriteIfThereIsRoom(services.Files, directory, producers);
                }
            }

            buffer ??= ArrayPool<byte>.Shared.Rent(ScanBufferSize);
            ReplaySegment(services, segment, producers, from, endOffset, rebuildFrom, buffer);
        }

        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void ReplaySegment(
        LogServices services, LogSegment segment, ProducerStates producers, long from, long endOffset, long? rebuildFrom, Span<byte> buffer)
    {
        int start = from <= segment.BaseOffset ? 0 : StartOf(services, segment, from);
        BatchScanner scanner = new(services.Files, segment.File, start, segment.Size, buffer);
        while (scanner.MoveNext() && scanner.Current.LastOffset < endOffset)
        {
            if (scanner.Current.HasProducer && scanner.Current.BaseOffset >= from)
            {
                bool isRebuilding = scanner.Current.BaseOffset >= (rebuildFrom ?? long.MaxValue);
                ReadOnlySpan<byte> bytes = scanner.Current.IsControl ? scanner.CurrentBytes() : default;
                PartitionLog.ApplyProducer(producers, isRebuilding ? segment.Transactions : null, scanner.Current, bytes);
            }
        }
    }

    private static int StartOf(LogServices services, LogSegment segment, long offset)
    {
        try
        {
            return segment.EndPositionOf(offset);
        }
        catch (DamagedSegmentException e)
        {
            // Below the recovery point: what can be read of it is replayed.
            services.Logger.SegmentUnreadable(e);
            return 0;
        }
    }

    private static string PathOf(string directory, long offset) => Path.Combine(directory, LogFileNames.Of(offset, LogFileNames.Snapshot));
}
