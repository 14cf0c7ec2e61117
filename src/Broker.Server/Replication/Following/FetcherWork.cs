using Broker.Protocol;

namespace Broker.Server;

/// <summary>
/// What others want a fetcher to follow: it takes the news when it comes around. Partitions that failed wait here for their next attempt. Thread-safe.
/// </summary>
internal sealed class FetcherWork
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TopicPartition, FollowedPartition> _partitions = [];
    private readonly PriorityQueue<FollowedPartition, long> _later = new();
    private List<FollowedPartition> _added = [];
    private List<FollowedPartition> _removed = [];

    public bool IsEmpty
    {
        get
        {
            lock (_lock)
            {
                return _partitions.Count == 0;
            }
        }
    }

    public void Add(FollowedPartition partition)
    {
        lock (_lock)
        {
            if (_partitions.TryGetValue(partition.Partition.TopicPartition, out FollowedPartition? before))
            {
                _removed.Add(before);
            }

            _partitions[partition.Partition.TopicPartition] = partition;
            _added.Add(partition);
        }
    }

    public bool Remove(TopicPartition key)
    {
        lock (_lock)
        {
            if (!_partitions.Remove(key, out FollowedPartition? partition))
            {
                return false;
            }

            _removed.Add(partition);
            return true;
        }
    }

    /// <summary>All that are followed, and from now on none.</summary>
    public IReadOnlyList<FollowedPartition> RemoveAll()
    {
        lock (_lock)
        {
            FollowedPartition[] all = [.. _partitions.Values];
            _partitions.Clear();
            return all;
        }
    }

    /// <summary>Tries the partition again after a while.</summary>
    public void Delay(FollowedPartition partition, long untilMs)
    {
        lock (_lock)
        {
            _later.Enqueue(partition, untilMs);
        }
    }

    /// <summary>What changed since the last time, first what is not to be followed any more; and when the next delayed one is due, long.MaxValue for never.</summary>
    public (List<FollowedPartition> Removed, List<FollowedPartition> Added, long NextMs) Take(long nowMs)
    {
        lock (_lock)
        {
            while (_later.TryPeek(out FollowedPartition? partition, out long dueMs) && dueMs <= nowMs)
            {
                _later.Dequeue();
                _added.Add(partition);
            }

            _added.RemoveAll(partition => !IsCurrent(partition));
            (List<FollowedPartition> removed, List<FollowedPartition> added) = (_removed, _added);
            _removed = removed.Count > 0 ? [] : removed;
            _added = added.Count > 0 ? [] : added;
            return (removed, added, _later.TryPeek(out _, out long nextMs) ? nextMs : long.MaxValue);
        }
    }

    public bool Follows(FollowedPartition partition)
    {
        lock (_lock)
        {
            return IsCurrent(partition);
        }
    }

    private bool IsCurrent(FollowedPartition partition) => _partitions.GetValueOrDefault(partition.Partition.TopicPartition) == partition;
}
