namespace Broker.Storage;

/// <summary>
/// Holds what the file of a transaction index says against the log itself: the markers in the segment, and where the transactions that they end begin, by the headers from
/// the newest producer snapshot on. Takes no lock: it looks at bytes that an earlier process wrote, and those do not change.
/// </summary>
internal static class TransactionIndexCheck
{
    /// <summary>What has to take the place of the entries; null when they fit, or when the log is damaged itself and disproves nothing.</summary>
    /// <param name="services">Of the log.</param>
    /// <param name="directory">Of the log.</param>
    /// <param name="segments">Of the log.</param>
    /// <param name="index">The segment whose index it is.</param>
    /// <param name="entries">As its file has them.</param>
    /// <param name="isSound">False when they cannot be entries at all.</param>
    public static List<AbortedTransaction>? Correction(
        LogServices services, string directory, LogSegment[] segments, int index, ReadOnlySpan<AbortedTransaction> entries, bool isSound)
    {
        AbortedScan scan = AbortedScan.Of(services, directory, segments, index, verify: false);
        if (isSound && (!scan.IsWhole || Fit(entries, scan)))
        {
            return null;
        }

        if (isSound && !AbortedScan.Of(services, directory, segments, index, verify: true).IsWhole)
        {
            // The headers that were believed so far are what is damaged.
            return null;
        }

        List<AbortedTransaction> right = [];
        foreach (FoundAbort found in scan.Aborts)
        {
            if (found.HasRecords)
            {
                right.Add(new AbortedTransaction(found.ProducerId, found.FirstOffset, found.LastOffset, found.StableOffset));
            }
        }

        return right;
    }

    /// <summary>Each entry has its marker and begins where its transaction does, and no aborted transaction that has records is without an entry.</summary>
    private static bool Fit(ReadOnlySpan<AbortedTransaction> entries, AbortedScan scan)
    {
        int next = 0;
        foreach (FoundAbort found in scan.Aborts)
        {
            if (next < entries.Length && entries[next].LastOffset == found.LastOffset)
            {
                if (!found.Allows(entries[next], scan.IsExact))
                {
                    return false;
                }

                next++;
            }
            else if (found.HasRecords)
            {
                return false;
            }
        }

        return next == entries.Length;
    }
}
