namespace Broker.Storage;

public sealed partial class PartitionLog
{
    /// <summary>Transactions that were aborted and have records within [from, to).</summary>
    public IReadOnlyList<AbortedTransaction> AbortedTransactions(long from, long to)
    {
        if (IsOffline)
        {
            return [];
        }

        LogDirectory directory = _directory;
        try
        {
            List<AbortedTransaction> found = [];
            LogSegment[] segments = _segments;
            for (int i = Math.Max(0, IndexOf(segments, from)); i < segments.Length; i++)
            {
                CheckTransactions(segments, i);
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
        catch (Exception e) when (IsFailure(e, "search", directory))
        {
            return [];
        }
    }

    /// <summary>
    /// A transaction index has no checksum, and a wrong entry would show aborted records to readers who asked for committed ones. So what its file says is held against
    /// the log before it is used for the first time, and built again from there when it does not fit. Whoever asks first pays for a walk through the segment's headers,
    /// which needs no lock of the log: appends go on.
    /// </summary>
    private void CheckTransactions(LogSegment[] segments, int index)
    {
        TransactionIndex transactions = segments[index].Transactions;
        if (!transactions.NeedsCheck)
        {
            return;
        }

        lock (transactions.Checking)
        {
            if (!transactions.NeedsCheck)
            {
                return;
            }

            string path = _path;
            List<AbortedTransaction>? right = TransactionIndexCheck.Correction(_services, path, segments, index, transactions.FromFile(), transactions.IsSound);
            if (right is null)
            {
                transactions.Trust();
                return;
            }

            Logger.IndexRebuilt(Path.Combine(path, LogFileNames.Of(segments[index].BaseOffset, LogFileNames.TransactionIndex)), "it does not fit the transactions in the log");
            transactions.Correct(right);
        }
    }
}
