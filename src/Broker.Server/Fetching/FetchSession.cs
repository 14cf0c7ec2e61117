namespace Broker.Server;

/// <summary>
/// An incremental fetch session (KIP-227): the partitions a client follows and what it already knows of each.
/// The epoch check in the cache lets one request use it at a time, since a client sends its next one only after the answer; <see cref="Lock"/> guards against one that does not.
/// </summary>
internal sealed class FetchSession(int id, long createdMs)
{
    private readonly Dictionary<(string? Topic, Guid TopicId, int Partition), LinkedListNode<FetchTarget>> _index = [];
    private readonly LinkedList<FetchTarget> _order = new();

    public int Id { get; } = id;

    /// <summary>The epoch the next request must carry; counts up from 1 and never takes 0 or -1.</summary>
    public int NextEpoch { get; private set; } = 1;

    public long CreatedMs { get; } = createdMs;

    public long LastUsedMs { get; set; } = createdMs;

    /// <summary>True when the client speaks topic ids (v13+) in this session; it must not change within one.</summary>
    public bool UsesTopicIds { get; init; }

    /// <summary>Taken while a request works with the session; a second one at the same time is refused as out of epoch.</summary>
    public int Busy;

    public int Count => _index.Count;

    /// <summary>Partitions in fetch order: those that were just served go to the end, so that none starves.</summary>
    public LinkedList<FetchTarget> Targets => _order;

    public void AdvanceEpoch() => NextEpoch = NextEpoch == int.MaxValue ? 1 : NextEpoch + 1;

    public FetchTarget GetOrAdd(string? topic, Guid topicId, int partition)
    {
        var key = Key(topic, topicId, partition);
        if (_index.TryGetValue(key, out LinkedListNode<FetchTarget>? node))
        {
            return node.Value;
        }

        var target = new FetchTarget(topic, topicId, partition);
        _index[key] = _order.AddLast(target);
        return target;
    }

    public void Forget(string? topic, Guid topicId, int partition)
    {
        if (_index.Remove(Key(topic, topicId, partition), out LinkedListNode<FetchTarget>? node))
        {
            _order.Remove(node);
        }
    }

    public void MoveToEnd(FetchTarget target)
    {
        LinkedListNode<FetchTarget> node = _index[Key(target.Topic, target.TopicId, target.Partition)];
        _order.Remove(node);
        _order.AddLast(node);
    }

    // With ids the name may become known later; the key must not change with it.
    private (string?, Guid, int) Key(string? topic, Guid topicId, int partition) => UsesTopicIds ? (null, topicId, partition) : (topic, Guid.Empty, partition);
}
