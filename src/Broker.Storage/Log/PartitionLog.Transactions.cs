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
        catch (Exception e) when (IsFailure(e, "search"))
        {
            return [];
        }
    }

    /// <summary>
    /// A transaction index has no checksum, and a wrong entry would show aborted records to readers who asked for committed ones. So each is held against the markers
    /// in the log before it is used for the first time, and built again from the log when it does not fit.
    /// </summary>
    private void CheckTransactions(LogSegment[] segments, int index)
    {
        TransactionIndex transactions = segments[index].Transactions;
        if (!transactions.NeedsCheck)
        {
            return;
        }

        lock (_lock)
        {
            if (!transactions.NeedsCheck)
            {
                return;
            }

            if (transactions.IsSound && IsRight(segments, index, transactions))
            {
                transactions.Trust();
                return;
            }

            Logger.IndexRebuilt(Path.Combine(_path, LogFileNames.Of(segments[index].BaseOffset, LogFileNames.TransactionIndex)), "it does not fit the transaction markers in the log");
            transactions.Replace(TransactionIndexCheck.FromLog(_services, _path, segments, index));
        }
    }

    /// <summary>A log that is damaged itself disproves nothing.</summary>
    private bool IsRight(LogSegment[] segments, int index, TransactionIndex transactions)
    {
        try
        {
            return TransactionIndexCheck.Holds(_services, segments, index, transactions.ToArray(), _producers.FirstOpenOffset);
        }
        catch (DamagedSegmentException e)
        {
            ReportDamage(e);
            return true;
        }
    }
}
