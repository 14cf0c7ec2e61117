using Microsoft.Win32.SafeHandles;

namespace Broker.Storage;

/// <summary>
/// The segments in a partition's directory, after what an earlier process left half done is settled: deleted files go, unfinished output of a cleaner goes, finished
/// output takes the place of the segments that it replaces, index files without a log go.
/// </summary>
internal sealed record SegmentFiles(IReadOnlyList<(long BaseOffset, long Length)> Logs, SortedSet<long> Snapshots)
{
    private static readonly string[] IndexKinds = [LogFileNames.OffsetIndex, LogFileNames.TimeIndex, LogFileNames.TransactionIndex];

    public static SegmentFiles Collect(LogFiles files, string directory)
    {
        IReadOnlyList<FileEntry> entries = files.List(directory);
        if (DeleteLeftovers(files, directory, entries))
        {
            entries = files.List(directory);
        }

        if (entries.Any(static e => e.Name.EndsWith(LogFileNames.Swap, StringComparison.Ordinal)))
        {
            FinishSwap(files, directory, entries);
            entries = files.List(directory);
        }

        return Sort(files, directory, entries);
    }

    /// <summary>
    /// A .cleaned file means that its segment was not finished, so a .swap file of the same or a later segment is not complete either: its siblings still have
    /// the first name. True when something was there.
    /// </summary>
    private static bool DeleteLeftovers(LogFiles files, string directory, IReadOnlyList<FileEntry> entries)
    {
        bool isFound = false;
        long firstCleaned = long.MaxValue;
        foreach (FileEntry entry in entries)
        {
            if (entry.Name.EndsWith(LogFileNames.Cleaned, StringComparison.Ordinal))
            {
                firstCleaned = Math.Min(firstCleaned, BaseOffsetOf(entry.Name));
            }
        }

        foreach (FileEntry entry in entries)
        {
            bool isHalfSwapped = entry.Name.EndsWith(LogFileNames.Swap, StringComparison.Ordinal) && BaseOffsetOf(entry.Name) >= firstCleaned;
            if (isHalfSwapped || entry.Name.EndsWith(LogFileNames.Deleted, StringComparison.Ordinal))
            {
                files.Delete(Path.Combine(directory, entry.Name));
                isFound = true;
            }
        }

        // Last, because they are what tells the others.
        foreach (FileEntry entry in entries)
        {
            if (entry.Name.EndsWith(LogFileNames.Cleaned, StringComparison.Ordinal))
            {
                files.Delete(Path.Combine(directory, entry.Name));
                isFound = true;
            }
        }

        return isFound;
    }

    /// <summary>-1 for a name that does not begin with an offset: nothing beside it is believed then.</summary>
    private static long BaseOffsetOf(string name)
    {
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && long.TryParse(name.AsSpan(0, dot), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out long offset) ? offset : -1;
    }

    private static SegmentFiles Sort(LogFiles files, string directory, IReadOnlyList<FileEntry> entries)
    {
        List<(long BaseOffset, long Length)> logs = [];
        HashSet<long> bases = [];
        SortedSet<long> snapshots = [];
        foreach (FileEntry entry in entries)
        {
            if (LogFileNames.TryParse(entry.Name, LogFileNames.Log, out long baseOffset))
            {
                logs.Add((baseOffset, entry.Length));
                bases.Add(baseOffset);
            }

            if (LogFileNames.TryParse(entry.Name, LogFileNames.Snapshot, out long snapshot))
            {
                snapshots.Add(snapshot);
            }
        }

        foreach (FileEntry entry in entries)
        {
            foreach (string kind in IndexKinds)
            {
                if (LogFileNames.TryParse(entry.Name, kind, out long baseOffset) && !bases.Contains(baseOffset))
                {
                    files.Delete(Path.Combine(directory, entry.Name));
                }
            }
        }

        logs.Sort();
        return new SegmentFiles(logs, snapshots);
    }

    private static void FinishSwap(LogFiles files, string directory, IReadOnlyList<FileEntry> entries)
    {
        foreach (FileEntry entry in entries)
        {
            if (!LogFileNames.TryParse(entry.Name, LogFileNames.Log + LogFileNames.Swap, out long baseOffset))
            {
                continue;
            }

            long end = EndOf(files, Path.Combine(directory, entry.Name), baseOffset);
            foreach (FileEntry old in entries)
            {
                if (LogFileNames.TryParse(old.Name, LogFileNames.Log, out long oldBase) && oldBase >= baseOffset && oldBase < end)
                {
                    DeleteSegment(files, directory, oldBase);
                }
            }
        }

        // The log last: while it is there under this name, the next start does all of this again.
        foreach (FileEntry entry in entries.OrderBy(static e => e.Name.EndsWith(LogFileNames.Log + LogFileNames.Swap, StringComparison.Ordinal)))
        {
            if (entry.Name.EndsWith(LogFileNames.Swap, StringComparison.Ordinal))
            {
                files.Move(Path.Combine(directory, entry.Name), Path.Combine(directory, entry.Name[..^LogFileNames.Swap.Length]));
            }
        }

        files.FlushDirectory(directory);
    }

    private static void DeleteSegment(LogFiles files, string directory, long baseOffset)
    {
        foreach (string kind in (ReadOnlySpan<string>)[LogFileNames.Log, .. IndexKinds])
        {
            string path = Path.Combine(directory, LogFileNames.Of(baseOffset, kind));
            if (files.Exists(path))
            {
                files.Delete(path);
            }
        }
    }

    private static long EndOf(LogFiles files, string path, long baseOffset)
    {
        using SafeFileHandle file = files.Open(path, create: false);
        BatchScanner scanner = new(files, file, 0, files.Length(file), new byte[64 * 1024]);
        long end = baseOffset;
        while (scanner.MoveNext())
        {
            end = scanner.Current.LastOffset + 1;
        }

        return end;
    }
}
