namespace Broker.Storage;

/// <summary>
/// The segments in a partition's directory, after what an earlier process left half done is settled: deleted files go, unfinished output of a cleaner goes, finished
/// output takes the place of the segments that it replaces, index files without a log go.
/// </summary>
internal sealed record SegmentFiles(IReadOnlyList<(long BaseOffset, long Length)> Logs, SortedSet<long> Snapshots)
{
    private static readonly string[] IndexKinds = [LogFileNames.OffsetIndex, LogFileNames.TimeIndex, LogFileNames.TransactionIndex];

    public static SegmentFiles Collect(LogServices services, string directory)
    {
        LogFiles files = services.Files;
        IReadOnlyList<FileEntry> entries = files.List(directory);
        if (DeleteLeftovers(files, directory, entries))
        {
            entries = files.List(directory);
        }

        if (entries.Any(static e => e.Name.EndsWith(LogFileNames.Swap, StringComparison.Ordinal)))
        {
            new SwapFiles(services, directory).Finish(entries);
            entries = files.List(directory);
        }

        return Sort(services, directory, entries);
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
                firstCleaned = Math.Min(firstCleaned, LogFileNames.BaseOffsetOf(entry.Name));
            }
        }

        foreach (FileEntry entry in entries)
        {
            bool isHalfSwapped = entry.Name.EndsWith(LogFileNames.Swap, StringComparison.Ordinal) && LogFileNames.BaseOffsetOf(entry.Name) >= firstCleaned;
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

    private static SegmentFiles Sort(LogServices services, string directory, IReadOnlyList<FileEntry> entries)
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
                    string path = Path.Combine(directory, entry.Name);
                    services.Logger.IndexWithoutLog(path);
                    services.Files.Delete(path);
                }
            }
        }

        logs.Sort();
        return new SegmentFiles(logs, snapshots);
    }
}
