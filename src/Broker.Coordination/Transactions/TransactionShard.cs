namespace Broker.Coordination;

/// <summary>What a producer is told: an error, or its id and epoch.</summary>
internal sealed record ProducerResult(ErrorCode Error, long ProducerId = -1, short Epoch = -1);

/// <summary>
/// All transactional ids of one partition of __transaction_state. Pure and single-owner. An id has at most one append on its way; until that has ended
/// every other request for it is told CONCURRENT_TRANSACTIONS. Markers leave only once the decision is in the log.
/// </summary>
internal sealed partial class TransactionShard(int coordinatorEpoch, TransactionSettings settings) : ICoordinatorShard
{
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>May hold older deadlines of an entry: only the one noted in it counts.</summary>
    private readonly PriorityQueue<Entry, long> _retries = new();
    private long _nextCheckMs;
    private long _nextExpiryMs;
    private long _attempts;

    public int Count => _entries.Count;

    public long NextDeadlineMs
    {
        get
        {
            long retryMs = _retries.TryPeek(out _, out long atMs) ? atMs : Moment.Never;
            return _entries.Count == 0 ? retryMs : Math.Min(Math.Min(_nextCheckMs, _nextExpiryMs), retryMs);
        }
    }

    public IEnumerable<KeyValuePair<string, TransactionSnapshot>> All =>
        _entries.Select(entry => KeyValuePair.Create(entry.Key, entry.Value.Current)).Where(entry => entry.Value.Epoch != TransactionSnapshot.NoEpoch);

    /// <summary>Whether the next InitProducerId or EndTxn of the id takes an unused producer id.</summary>
    public bool NeedsFreshId(string id) => !_entries.TryGetValue(id, out Entry? entry) || entry.Current.IsEpochExhausted;

    public TransactionSnapshot? Find(string id) => _entries.GetValueOrDefault(id)?.Current;

    /// <summary>A record read back from the log.</summary>
    public void Apply(TransactionRecord record)
    {
        if (record.Value is null)
        {
            _entries.Remove(record.TransactionalId);
        }
        else
        {
            _entries[record.TransactionalId] = new Entry(record.TransactionalId, record.Value);
        }
    }

    public void OnLoaded(Moment now, Effects effects)
    {
        foreach (Entry entry in _entries.Values)
        {
            if (entry.Current.IsPrepared)
            {
                BeginMarkers(entry, now, effects);
            }
        }
    }

    public void Abandon(ErrorCode error, Effects effects)
    {
        foreach (Entry entry in _entries.Values)
        {
            if (entry.Waiting is { IsAnswered: false } call)
            {
                effects.Answer(call, new ProducerResult(error));
            }
        }
        _entries.Clear();
        _retries.Clear();
    }

    /// <summary>Adds partitions, or with <paramref name="verifyOnly"/> asks whether they are in.</summary>
    public void AddPartitions(
        string id, long producerId, short epoch, IReadOnlyCollection<TopicPartition> partitions, bool verifyOnly, short clientVersion,
        Call<ProducerResult> call, Moment now, Effects effects)
    {
        ErrorCode error = Check(id, producerId, epoch, out Entry? entry);
        TransactionSnapshot? current = entry?.Current;
        if (error == ErrorCode.None && (current!.IsPrepared || (!verifyOnly && entry!.IsPending)))
        {
            error = ErrorCode.ConcurrentTransactions;
        }
        bool isMember = error == ErrorCode.None && current!.State == TransactionState.Ongoing && partitions.All(current.Partitions.Contains);
        if (error != ErrorCode.None || isMember || verifyOnly)
        {
            effects.Answer(call, new ProducerResult(error != ErrorCode.None || isMember ? error : ErrorCode.TransactionAbortable));
            return;
        }
        bool isOpen = current!.State == TransactionState.Ongoing;
        Write(entry!, current with
        {
            State = TransactionState.Ongoing,
            Partitions = isOpen ? current.Partitions.Union(partitions) : [.. partitions],
            StartMs = isOpen ? current.StartMs : now.UnixMs,
            LastUpdateMs = now.UnixMs,
            ClientVersion = clientVersion,
        }, call, effects, (_, _) => new ProducerResult(ErrorCode.None));
    }

    private ErrorCode Check(string id, long producerId, short epoch, out Entry? entry)
    {
        entry = null;
        return id.Length == 0 ? ErrorCode.InvalidRequest
            : !_entries.TryGetValue(id, out entry) ? ErrorCode.InvalidProducerIdMapping
            // The id for the next transaction, which the producer knows from the answer to its EndTxn, while the markers are on their way.
            : entry.Current.NextProducerId == producerId && producerId != TransactionSnapshot.NoProducer ? ErrorCode.ConcurrentTransactions
            : entry.Current.ProducerId != producerId ? ErrorCode.InvalidProducerIdMapping
            : entry.Current.Epoch != epoch ? ErrorCode.ProducerFenced
            : ErrorCode.None;
    }

    private void RetryLater(Entry entry, Moment now)
    {
        entry.RetryAtMs = now.MonotonicMs + settings.MarkerRetryMs;
        _retries.Enqueue(entry, entry.RetryAtMs);
    }

    /// <summary>
    /// Appends the next state; it is in force, and the caller answered, once that is in the log. A failed append changes nothing, but that a decision which may be in the log is written
    /// again until it is: who leads next may find it and act on it, so the other decision must not follow it.
    /// </summary>
    private void Write(
        Entry entry, TransactionSnapshot next, Call<ProducerResult>? call, Effects effects, Func<Moment, Effects, ProducerResult> then, bool isRepeated = false)
    {
        entry.IsPending = true;
        entry.Waiting = call;
        effects.Append([new TransactionRecord(entry.Id, next, settings.ValueVersion())], (error, now, fx) =>
        {
            entry.IsPending = false;
            if (!_entries.TryGetValue(entry.Id, out Entry? present) || present != entry)
            {
                return;
            }
            ProducerResult result;
            if (error == ErrorCode.None)
            {
                entry.Current = next;
                result = then(now, fx);
            }
            else
            {
                bool isDecided = isRepeated || (next.IsPrepared && AppendErrors.MayBeWritten(error));
                if (!isRepeated)
                {
                    string text = isDecided ? $"{next.State} may be written or not ({error}): tried again until it is" : $"{next.State} could not be written: {error}";
                    fx.TransactionNotes.Add(new TransactionNote(TransactionNoteKind.AppendFailed, entry.Id, next.ProducerId, next.Epoch, text));
                }
                result = new ProducerResult(AppendErrors.ForTransaction(error));
                if (isDecided)
                {
                    entry.IsPending = true;
                    entry.Decide = again => Write(entry, next, null, again, then, isRepeated: true);
                    RetryLater(entry, now);
                }
                else if (entry.Current.IsPrepared)
                {
                    RetryLater(entry, now);
                }
                else if (entry.Current.Epoch == TransactionSnapshot.NoEpoch)
                {
                    _entries.Remove(entry.Id);
                }
            }
            if (call is { IsAnswered: false })
            {
                fx.Answer(call, result);
            }
        });
    }

    private sealed class Entry(string id, TransactionSnapshot current)
    {
        public string Id { get; } = id;
        public TransactionSnapshot Current { get; set; } = current;
        public bool IsPending { get; set; }
        public Call<ProducerResult>? Waiting { get; set; }
        public HashSet<TopicPartition> Unmarked { get; set; } = [];
        public long Attempt { get; set; }
        public long RetryAtMs { get; set; } = Moment.Never;

        /// <summary>Writes once more a decision of which nobody knows whether it is in the log.</summary>
        public Action<Effects>? Decide { get; set; }
    }
}
