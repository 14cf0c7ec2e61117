namespace Broker.Storage;

/// <summary>
/// Follows the transactions of a log while its batches go by in order: which batches were aborted, and which markers have lost all records of their transaction.
/// A marker may go only then, because a reader needs it as long as there is something that it ends. It also stays when a producer snapshot shows its transaction open:
/// a recovery from there on would leave it open for ever. Used by one thread.
/// </summary>
internal sealed class CleanedTransactions
{
    // Aborted transactions that were not reached yet, by first offset.
    private readonly PriorityQueue<AbortedTransaction, long> _ahead = new();
    private readonly Dictionary<long, OpenAborted> _aborted = [];
    private readonly HashSet<long> _committed = [];

    // Producers whose next marker ends what a snapshot shows open.
    private readonly HashSet<long> _openInSnapshot = [];

    /// <summary>Where the aborted transactions that still have records in the input are written; null while the map is built.</summary>
    public TransactionIndex? Output { get; set; }

    /// <summary>A transaction may be given again while it is open, once for each segment that it touches.</summary>
    public void Add(IEnumerable<AbortedTransaction> aborted)
    {
        foreach (AbortedTransaction transaction in aborted)
        {
            _ahead.Enqueue(transaction, transaction.FirstOffset);
        }
    }

    /// <summary>The next segment is the first of those that are joined, and <paramref name="producers"/> is what the newest snapshot at or below its start says.</summary>
    public void StartFrom(ProducerStates producers)
    {
        _openInSnapshot.Clear();
        foreach (ProducerState producer in producers.All)
        {
            if (producer.TransactionFirstOffset >= 0)
            {
                _openInSnapshot.Add(producer.ProducerId);
            }
        }
    }

    /// <summary>True when the batch belongs to an aborted transaction.</summary>
    public bool IsAborted(in BatchInfo batch)
    {
        OpenUpTo(batch.LastOffset);
        if (!batch.IsTransactional)
        {
            return false;
        }

        if (_aborted.TryGetValue(batch.ProducerId, out OpenAborted? open))
        {
            open.HasRecords = true;
            return true;
        }

        _committed.Add(batch.ProducerId);
        return false;
    }

    /// <summary>True when nothing is left of what the control batch ends. <paramref name="marker"/> is null for a control batch that lost its record already.</summary>
    public bool IsMarkerOfNothing(in BatchInfo batch, ControlRecord? marker)
    {
        OpenUpTo(batch.LastOffset);
        if (marker is not { } found)
        {
            return true;
        }

        bool endsNothing = EndsNothing(batch, found);
        return !_openInSnapshot.Remove(batch.ProducerId) && endsNothing;
    }

    private bool EndsNothing(in BatchInfo batch, ControlRecord found)
    {
        if (found.IsCommit)
        {
            return !_committed.Remove(batch.ProducerId);
        }

        if (!found.IsAbort)
        {
            return false;
        }

        if (_aborted.Remove(batch.ProducerId, out OpenAborted? open) && open.HasRecords)
        {
            Output?.Append(open.Transaction);
            return false;
        }

        return true;
    }

    private void OpenUpTo(long offset)
    {
        while (_ahead.TryPeek(out AbortedTransaction next, out long first) && first <= offset)
        {
            _ahead.Dequeue();
            _aborted.TryAdd(next.ProducerId, new OpenAborted(next));
        }
    }

    private sealed class OpenAborted(AbortedTransaction transaction)
    {
        public AbortedTransaction Transaction { get; } = transaction;

        public bool HasRecords { get; set; }
    }
}
