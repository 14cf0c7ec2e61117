namespace Broker.Server;

/// <summary>
/// An incremental fetch session (KIP-227): the partitions a client follows and what it already knows of each.
/// The epoch check in the cache lets one request use it at a time, since a client sends its next one only after the answer; <see cref="Busy"/> guards against one that does not.
/// </summary>
internal sealed class FetchSession(int id, long createdMs)
{
    private readonly Dictionary<(string? Topic, Guid TopicId, int Partition), FetchTarget> _targets = [];
    private volatile bool _isAbandoned;

    public int Id { get; } = id;

    /// <summary>The epoch the next request must carry; counts up from 1 and never takes 0 or -1.</summary>
    public int NextEpoch { get; private set; } = 1;

    /// <summary>What there is to look at, in fetch order: those that were just served go to the end, so that none starves.</summary>
    public FetchWatch Watch { get; } = new(createdMs);

    /// <summary>True when the client speaks topic ids (v13+) in this session; it must not change within one.</summary>
    public bool UsesTopicIds { get; init; }

    /// <summary>Taken while a request works with the session; a second one at the same time is refused as out of epoch.</summary>
    public int Busy;

    public int Count => _targets.Count;

    public void AdvanceEpoch() => NextEpoch = NextEpoch == int.MaxValue ? 1 : NextEpoch + 1;

    /// <summary>The target that a request names; due from now on.</summary>
    public FetchTarget GetOrAdd(string? topic, Guid topicId, int partition)
    {
        var key = Key(topic, topicId, partition);
        if (!_targets.TryGetValue(key, out FetchTarget? target))
        {
            _targets[key] = target = new FetchTarget(topic, topicId, partition, Watch);
        }

        Watch.Mark(target, 0);
        return target;
    }

    public void Forget(string? topic, Guid topicId, int partition)
    {
        if (_targets.Remove(Key(topic, topicId, partition), out FetchTarget? target))
        {
            Watch.Forget(target);
        }
    }

    /// <summary>Ends what partitions have of it. Called by whoever takes it out of the cache; a request that is under way does it when it ends.</summary>
    public void Close()
    {
        _isAbandoned = true;
        CloseIfFree();
    }

    /// <summary>The request that used it has its answer.</summary>
    public void Release()
    {
        Interlocked.Exchange(ref Busy, 0);
        if (_isAbandoned)
        {
            CloseIfFree();
        }
    }

    private void CloseIfFree()
    {
        if (Interlocked.Exchange(ref Busy, 1) == 0)
        {
            Watch.Close(_targets.Values);
        }
    }

    // With ids the name may become known later; the key must not change with it.
    private (string?, Guid, int) Key(string? topic, Guid topicId, int partition) => UsesTopicIds ? (null, topicId, partition) : (topic, Guid.Empty, partition);
}
