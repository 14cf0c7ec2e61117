using Broker.Protocol.Records;
using Microsoft.Win32.SafeHandles;

namespace Broker.Storage;

/// <summary>
/// Finishes the swap of a cleaned segment that an earlier process left half done: the segments that NNN.log.swap covers go, it takes their place. Because segments are
/// deleted on its word, it is read whole first. One that is damaged is given up when those that it was made from are still there, and else kept up to the damage.
/// </summary>
internal sealed class SwapFiles(LogServices services, string directory)
{
    private const int ScanBufferSize = 64 * 1024;
    private const string LogSwap = LogFileNames.Log + LogFileNames.Swap;

    private LogFiles Files => services.Files;

    public void Finish(IReadOnlyList<FileEntry> entries)
    {
        SortedSet<long> swaps = Offsets(entries, LogSwap);
        SortedSet<long> logs = Offsets(entries, LogFileNames.Log);
        foreach (FileEntry entry in entries)
        {
            if (entry.Name.EndsWith(LogFileNames.Swap, StringComparison.Ordinal) && !swaps.Contains(LogFileNames.BaseOffsetOf(entry.Name)))
            {
                // The log is the first to come and the last to go under this name.
                services.Logger.SwapGivenUp(Path.Combine(directory, entry.Name), "its log is missing");
                Files.Delete(Path.Combine(directory, entry.Name));
            }
        }

        foreach (long baseOffset in swaps)
        {
            Settle(baseOffset, logs);
        }

        MoveToFinalNames(Files.List(directory));
        Files.FlushDirectory(directory);
    }

    private static SortedSet<long> Offsets(IReadOnlyList<FileEntry> entries, string suffix)
    {
        SortedSet<long> offsets = [];
        foreach (FileEntry entry in entries)
        {
            if (LogFileNames.TryParse(entry.Name, suffix, out long offset))
            {
                offsets.Add(offset);
            }
        }

        return offsets;
    }

    /// <summary>Deletes what the swap file covers, or the swap file.</summary>
    private void Settle(long baseOffset, SortedSet<long> logs)
    {
        string path = PathOf(baseOffset, LogSwap);
        (BatchPosition last, BatchPosition beforeLast, long length) = ReadIntact(path, baseOffset);
        if (!IsPlausible(path, last, baseOffset, logs))
        {
            last = beforeLast;
        }

        long goodLength = last.End;
        if (goodLength < length && logs.Contains(baseOffset))
        {
            // The first of the old segments is the first to go, so all of them are there.
            services.Logger.SwapGivenUp(path, $"it is damaged at byte {goodLength} of {length}; the segments that it was made from are still there");
            DeleteFiles(baseOffset, LogFileNames.Swap);
            return;
        }

        if (goodLength < length)
        {
            services.Logger.SwapCut(path, length - goodLength, goodLength);
            using SafeFileHandle file = Files.Open(path, create: false);
            Files.SetLength(file, goodLength);
            Files.Flush(file);
        }

        foreach (long covered in logs.GetViewBetween(baseOffset, Math.Max(baseOffset, last.LastOffset)))
        {
            DeleteFiles(covered, "");
        }
    }

    /// <summary>The last two batches before the first that is damaged or out of order; of size 0 where there is none.</summary>
    private (BatchPosition Last, BatchPosition BeforeLast, long Length) ReadIntact(string path, long baseOffset)
    {
        using SafeFileHandle file = Files.Open(path, create: false);
        long length = Files.Length(file);
        BatchPosition last = default;
        BatchPosition beforeLast = default;
        BatchScanner scanner = new(Files, file, 0, Math.Min(length, int.MaxValue), new byte[ScanBufferSize]);
        long previous = baseOffset - 1;
        while (scanner.MoveNext() && scanner.Current.Follows(previous, baseOffset) && scanner.CurrentIsIntact())
        {
            previous = scanner.Current.LastOffset;
            beforeLast = last;
            last = new BatchPosition(scanner.Current.BaseOffset, previous, (int)scanner.Position, scanner.Current.Size);
        }

        return (last, beforeLast, length);
    }

    /// <summary>
    /// The last batch decides how far the swap file reaches, and no checksum covers its offset. It never reaches the active segment, and a segment that it reaches
    /// holds the records of which it was made.
    /// </summary>
    private bool IsPlausible(string path, BatchPosition last, long baseOffset, SortedSet<long> logs)
    {
        SortedSet<long> covered = logs.GetViewBetween(baseOffset, Math.Max(baseOffset, last.LastOffset));
        if (last.Size == 0 || covered.Count == 0 || covered.Max == baseOffset)
        {
            return true;
        }

        if (covered.Max == logs.Max)
        {
            return false;
        }

        string old = PathOf(covered.Max, LogFileNames.Log);
        using SafeFileHandle file = Files.Open(old, create: false);
        BatchScanner scanner = new(Files, file, 0, Math.Min(Files.Length(file), int.MaxValue), new byte[ScanBufferSize]);
        while (scanner.MoveNext() && scanner.Current.LastOffset < last.LastOffset)
        {
        }

        BatchPosition source = new(scanner.Current.BaseOffset, scanner.Current.LastOffset, (int)scanner.Position, scanner.Current.Size);
        return source.BaseOffset == last.BaseOffset && source.LastOffset == last.LastOffset && IsMadeOf(ReadBatch(path, last), ReadBatch(old, source));
    }

    private static bool IsMadeOf(byte[] cleaned, byte[] old)
    {
        if (!RecordBatchHeader.TryRead(cleaned, out RecordBatchHeader header) || header.RecordCount == 0)
        {
            return true;
        }

        try
        {
            using RecordBatchReader record = new(cleaned);
            using RecordBatchReader candidates = new(old);
            record.MoveNext(out Record first);
            while (candidates.MoveNext(out Record candidate))
            {
                if (candidate.Offset == first.Offset)
                {
                    return candidate.Key.SequenceEqual(first.Key) && candidate.Value.SequenceEqual(first.Value);
                }
            }

            return false;
        }
        catch (InvalidRecordsException)
        {
            return false;
        }
    }

    private byte[] ReadBatch(string path, BatchPosition batch)
    {
        byte[] bytes = new byte[batch.Size];
        using SafeFileHandle file = Files.Open(path, create: false);
        Files.Read(file, bytes, batch.Position);
        return bytes;
    }

    private void MoveToFinalNames(IReadOnlyList<FileEntry> entries)
    {
        // The log last: while it is there under this name, the next start does all of this again.
        foreach (FileEntry entry in entries.OrderBy(static e => e.Name.EndsWith(LogSwap, StringComparison.Ordinal)))
        {
            if (entry.Name.EndsWith(LogFileNames.Swap, StringComparison.Ordinal))
            {
                Files.Move(Path.Combine(directory, entry.Name), Path.Combine(directory, entry.Name[..^LogFileNames.Swap.Length]));
            }
        }
    }

    /// <summary>The log last, because it is what tells of the others.</summary>
    private void DeleteFiles(long baseOffset, string suffix)
    {
        foreach (string kind in (ReadOnlySpan<string>)[LogFileNames.OffsetIndex, LogFileNames.TimeIndex, LogFileNames.TransactionIndex, LogFileNames.Log])
        {
            string path = PathOf(baseOffset, kind + suffix);
            if (Files.Exists(path))
            {
                Files.Delete(path);
            }
        }
    }

    private string PathOf(long baseOffset, string suffix) => Path.Combine(directory, LogFileNames.Of(baseOffset, suffix));
}
