namespace Broker.Coordination;

/// <summary>
/// Offsets of one group: committed ones, commits on their way to the log, and those of transactions that have not ended.
/// Pure and single-owner, as the group it belongs to.
/// </summary>
internal sealed class GroupOffsets
{
    private readonly Dictionary<TopicPartition, Entry> _committed = [];
    private readonly Dictionary<TopicPartition, int> _inFlight = [];
    private readonly Dictionary<long, Dictionary<TopicPartition, Entry>> _transactional = [];
    private readonly List<PendingTransaction> _appending = [];
    private long _order;

    public int Count => _committed.Count;

    public IEnumerable<KeyValuePair<TopicPartition, CommittedOffset>> Committed
    {
        get
        {
            foreach ((TopicPartition partition, Entry entry) in _committed)
            {
                yield return KeyValuePair.Create(partition, entry.Value);
            }
        }
    }

    /// <summary>Partitions with a commit that is being appended.</summary>
    public IReadOnlyCollection<TopicPartition> InFlight => _inFlight.Keys;

    /// <summary>True when nothing at all is kept or coming.</summary>
    public bool IsEmpty => _committed.Count == 0 && _inFlight.Count == 0 && _transactional.Count == 0;

    public bool HasUnfinished => _inFlight.Count > 0 || _transactional.Count > 0;

    public CommittedOffset? Find(TopicPartition partition) => _committed.GetValueOrDefault(partition).Value;

    public bool IsInFlight(TopicPartition partition) => _inFlight.ContainsKey(partition);

    /// <summary>True while the value may still change by a commit that is already on its way or by a transaction (requireStable).</summary>
    public bool IsUnstable(TopicPartition partition)
    {
        if (_inFlight.ContainsKey(partition))
        {
            return true;
        }
        foreach (Dictionary<TopicPartition, Entry> pending in _transactional.Values)
        {
            if (pending.ContainsKey(partition))
            {
                return true;
            }
        }
        return false;
    }

    public void BeginCommit(TopicPartition partition) => _inFlight[partition] = _inFlight.GetValueOrDefault(partition) + 1;

    /// <summary>Ends a commit begun before; <paramref name="offset"/> is null when the append failed.</summary>
    public void EndCommit(TopicPartition partition, CommittedOffset? offset)
    {
        int left = _inFlight[partition] - 1;
        if (left == 0)
        {
            _inFlight.Remove(partition);
        }
        else
        {
            _inFlight[partition] = left;
        }
        if (offset is not null)
        {
            Apply(partition, offset);
        }
    }

    /// <summary>A commit read back from the log.</summary>
    public void Apply(TopicPartition partition, CommittedOffset offset) => _committed[partition] = new Entry(offset, _order++);

    /// <summary>A commit inside a transaction of <paramref name="producerId"/>: counts only once the transaction commits.</summary>
    public void ApplyTransactional(long producerId, TopicPartition partition, CommittedOffset offset)
    {
        if (!_transactional.TryGetValue(producerId, out Dictionary<TopicPartition, Entry>? pending))
        {
            _transactional[producerId] = pending = [];
        }
        pending[partition] = new Entry(offset, _order++);
    }

    /// <summary>Commits inside a transaction go to the log.</summary>
    public PendingTransaction BeginTransactional(long producerId)
    {
        var pending = new PendingTransaction(producerId);
        _appending.Add(pending);
        return pending;
    }

    /// <summary>One of them is there. Its marker may have been written since, and counts for it, as the log has them in this order.</summary>
    public void EndTransactional(PendingTransaction pending, TopicPartition partition, CommittedOffset offset)
    {
        if (pending.Outcome is null)
        {
            ApplyTransactional(pending.ProducerId, partition, offset);
        }
        else if (pending.Outcome == true)
        {
            Apply(partition, offset);
        }
    }

    public void Release(PendingTransaction pending) => _appending.Remove(pending);

    /// <summary>The transaction of <paramref name="producerId"/> ended. True when this group had offsets in it.</summary>
    public bool EndTransaction(long producerId, bool isCommit)
    {
        foreach (PendingTransaction appending in _appending)
        {
            if (appending.ProducerId == producerId)
            {
                appending.Outcome ??= isCommit;
            }
        }
        if (!_transactional.Remove(producerId, out Dictionary<TopicPartition, Entry>? pending))
        {
            return false;
        }
        if (isCommit)
        {
            foreach ((TopicPartition partition, Entry entry) in pending)
            {
                if (!_committed.TryGetValue(partition, out Entry current) || current.Order < entry.Order)
                {
                    _committed[partition] = entry;
                }
            }
        }
        return true;
    }

    /// <summary>A tombstone: the committed value and what open transactions would have made of it are gone.</summary>
    public void Remove(TopicPartition partition)
    {
        _committed.Remove(partition);
        foreach ((long producerId, Dictionary<TopicPartition, Entry> pending) in _transactional)
        {
            if (pending.Remove(partition) && pending.Count == 0)
            {
                _transactional.Remove(producerId);
            }
        }
    }

    /// <summary>Everything a deletion of the group must write tombstones for, commits on their way included.</summary>
    public List<TopicPartition> AllPartitions()
    {
        var all = new HashSet<TopicPartition>(_committed.Keys);
        all.UnionWith(_inFlight.Keys);
        foreach (Dictionary<TopicPartition, Entry> pending in _transactional.Values)
        {
            all.UnionWith(pending.Keys);
        }
        return [.. all];
    }

    /// <summary>A value with its place among the group's records: a transaction that commits late does not overwrite a commit written after its own.</summary>
    private readonly record struct Entry(CommittedOffset Value, long Order);
}
