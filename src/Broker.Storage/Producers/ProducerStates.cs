namespace Broker.Storage;

/// <summary>A transaction that a marker ended.</summary>
internal readonly record struct CompletedTransaction(long ProducerId, long FirstOffset, long LastOffset, bool IsAborted);

/// <summary>
/// All producers of one log, its open transactions, and those whose marker is not below the high watermark yet. Used under the log's lock.
/// Knows nothing of files: <see cref="PartitionLog"/> takes and loads snapshots.
/// </summary>
internal sealed class ProducerStates
{
    private readonly Dictionary<long, ProducerState> _producers = [];

    // First offset -> producer. Few at a time; sorted because the smallest one is the last stable offset.
    private readonly SortedDictionary<long, long> _open = [];
    private readonly SortedDictionary<long, long> _unreplicated = [];

    /// <summary>Far more than producers open transactions in a partition at a time. Only somebody who invents producers gets there, and must not fill the memory.</summary>
    private const int MaxVerifications = 10_000;

    private readonly Dictionary<long, TransactionVerification> _verifications = [];

    /// <summary>The state is as of this offset (exclusive).</summary>
    public long EndOffset { get; set; }

    /// <summary>Offset of the newest snapshot file, -1 without one.</summary>
    public long SnapshotOffset { get; set; } = -1;

    public IReadOnlyCollection<ProducerState> All => _producers.Values;

    public int Count => _producers.Count;

    public ProducerState? Find(long producerId) => _producers.GetValueOrDefault(producerId);

    /// <summary>First offset of the oldest transaction without a marker; long.MaxValue when there is none.</summary>
    public long FirstOpenOffset => First(_open);

    /// <summary>First offset that a read_committed reader may not pass; long.MaxValue when there is none.</summary>
    public long FirstUnstableOffset => Math.Min(First(_open), First(_unreplicated));

    public void Load(IEnumerable<ProducerState> producers, long endOffset, long nowMs, long expirationMs)
    {
        Clear();
        EndOffset = endOffset;
        foreach (ProducerState producer in producers)
        {
            if (IsExpired(producer, nowMs, expirationMs))
            {
                continue;
            }

            _producers[producer.ProducerId] = producer;
            if (producer.TransactionFirstOffset >= 0)
            {
                _open[producer.TransactionFirstOffset] = producer.ProducerId;
            }
        }
    }

    public void Clear()
    {
        _producers.Clear();
        _open.Clear();
        _unreplicated.Clear();
        _verifications.Clear();
        EndOffset = 0;
    }

    /// <summary>Takes a batch that was appended (offsets are final). A marker returns the transaction that it ended, if that had records here.</summary>
    public CompletedTransaction? Apply(in BatchInfo batch, ControlRecord? marker)
    {
        EndOffset = batch.LastOffset + 1;
        if (!batch.HasProducer)
        {
            return null;
        }

        if (!_producers.TryGetValue(batch.ProducerId, out ProducerState? producer))
        {
            producer = new ProducerState(batch.ProducerId);
            _producers.Add(batch.ProducerId, producer);
        }

        if (batch.IsControl)
        {
            return marker is { } ended && (ended.IsAbort || ended.IsCommit) ? EndTransaction(producer, batch, ended) : null;
        }

        AddTo(producer, batch);
        if (batch.IsTransactional)
        {
            _verifications.Remove(batch.ProducerId);
        }

        if (batch.IsTransactional && producer.TransactionFirstOffset < 0)
        {
            producer.TransactionFirstOffset = batch.BaseOffset;
            _open[batch.BaseOffset] = batch.ProducerId;
        }

        return null;
    }

    public static void AddTo(ProducerState producer, in BatchInfo batch) => producer.AddBatch(
        batch.ProducerEpoch,
        new SequenceRange(batch.LastSequence, batch.LastOffset, (int)(batch.LastOffset - batch.BaseOffset), batch.MaxTimestamp));

    /// <summary>The last stable offset right after the completed transaction's marker, as the transaction index records it.</summary>
    public long StableOffsetAfter(in CompletedTransaction completed)
    {
        foreach ((long first, long producerId) in _open)
        {
            if (producerId != completed.ProducerId)
            {
                return first;
            }
        }

        return completed.LastOffset + 1;
    }

    public void OnHighWatermark(long highWatermark)
    {
        while (_unreplicated.Count > 0)
        {
            (long first, long last) = FirstOf(_unreplicated);
            if (last >= highWatermark)
            {
                return;
            }

            _unreplicated.Remove(first);
        }
    }

    /// <summary>Transactions that lie below the new log start are over for readers; producers stay until they expire.</summary>
    public void OnLogStart(long logStartOffset)
    {
        RemoveBelow(_unreplicated, logStartOffset);
        EndOffset = Math.Max(EndOffset, logStartOffset);
    }

    public void ForgetTransactionsBelow(long offset)
    {
        while (First(_open) < offset)
        {
            (long first, long producerId) = FirstOf(_open);
            _producers[producerId].TransactionFirstOffset = -1;
            _open.Remove(first);
        }
    }

    public void Expire(long nowMs, long expirationMs)
    {
        List<long>? expired = null;
        foreach (ProducerState producer in _producers.Values)
        {
            if (IsExpired(producer, nowMs, expirationMs))
            {
                (expired ??= []).Add(producer.ProducerId);
            }
        }

        foreach (long producerId in expired ?? [])
        {
            _producers.Remove(producerId);
        }

        foreach (TransactionVerification verification in _verifications.Values)
        {
            if (nowMs - verification.AskedMs >= expirationMs)
            {
                _verifications.Remove(verification.ProducerId);
            }
        }
    }

    /// <summary>Null when the producer's transaction is open here in this epoch, so that nobody need be asked.</summary>
    public TransactionVerification? BeginVerification(long producerId, short epoch, int firstSequence, long nowMs)
    {
        if (Find(producerId) is { } producer && producer.HasOpenTransaction(epoch))
        {
            return null;
        }

        if (!_verifications.TryGetValue(producerId, out TransactionVerification? verification) || verification.Epoch != epoch)
        {
            if (_verifications.Count >= MaxVerifications)
            {
                _verifications.Remove(_verifications.First().Key);
            }

            return _verifications[producerId] = new TransactionVerification(producerId, epoch, firstSequence, nowMs);
        }

        verification.LowestSequence = Math.Min(verification.LowestSequence, firstSequence);
        verification.AskedMs = nowMs;
        return verification;
    }

    public void ForgetVerification(TransactionVerification verification)
    {
        if (Verification(verification.ProducerId) == verification)
        {
            _verifications.Remove(verification.ProducerId);
        }
    }

    /// <summary>The verification that counts for the producer now.</summary>
    public TransactionVerification? Verification(long producerId) => _verifications.GetValueOrDefault(producerId);

    private static bool IsExpired(ProducerState producer, long nowMs, long expirationMs) =>
        producer.TransactionFirstOffset < 0 && nowMs - producer.LastTimestampMs >= expirationMs;

    private CompletedTransaction? EndTransaction(ProducerState producer, in BatchInfo batch, ControlRecord marker)
    {
        long first = producer.TransactionFirstOffset;
        _verifications.Remove(producer.ProducerId);
        producer.SetEpoch(batch.ProducerEpoch);
        producer.CoordinatorEpoch = marker.CoordinatorEpoch;
        producer.LastTimestampMs = batch.MaxTimestamp;
        producer.TransactionFirstOffset = -1;
        if (first < 0)
        {
            return null;
        }

        _open.Remove(first);
        _unreplicated[first] = batch.LastOffset;
        return new CompletedTransaction(batch.ProducerId, first, batch.LastOffset, marker.IsAbort);
    }

    private static long First(SortedDictionary<long, long> transactions) => transactions.Count == 0 ? long.MaxValue : FirstOf(transactions).Key;

    private static KeyValuePair<long, long> FirstOf(SortedDictionary<long, long> transactions)
    {
        using var each = transactions.GetEnumerator();
        each.MoveNext();
        return each.Current;
    }

    private static void RemoveBelow(SortedDictionary<long, long> transactions, long offset)
    {
        while (transactions.Count > 0)
        {
            (long first, long last) = FirstOf(transactions);
            if (last >= offset)
            {
                return;
            }

            transactions.Remove(first);
        }
    }
}
