using Broker.Cluster;

namespace Broker.Server;

/// <summary>
/// The replicas of a partition as its leader sees them during one leader epoch: how far followers are, the ISR in force and one that was proposed. Thread-safe.
/// The high watermark counts every replica that is in sync or may be by now: while an answer of the controller is on its way, both sets are waited for.
/// </summary>
internal sealed class LeaderReplicas
{
    private readonly Lock _lock = new();
    private readonly int _self;
    private readonly Dictionary<int, FollowerState> _followers = [];
    private PartitionImage _state;
    private int[]? _proposed;

    /// <param name="state">What the controller decided.</param>
    /// <param name="self">This broker.</param>
    /// <param name="epochStartOffset">End of the log when the epoch began: whoever is not there does not have all that its predecessors acknowledged.</param>
    /// <param name="nowMs">The time of it.</param>
    public LeaderReplicas(PartitionImage state, int self, long epochStartOffset, long nowMs)
    {
        _state = state;
        _self = self;
        EpochStartOffset = epochStartOffset;
        foreach (int replica in state.Replicas)
        {
            if (replica != self)
            {
                _followers[replica] = new FollowerState(nowMs);
            }
        }
    }

    public PartitionImage State
    {
        get
        {
            lock (_lock)
            {
                return _state;
            }
        }
    }

    /// <summary>End of the log when the epoch began.</summary>
    public long EpochStartOffset { get; }

    public bool IsFollower(int broker) => _followers.ContainsKey(broker);

    /// <summary>Whether the follower is in the ISR, and whether its log starts elsewhere than it did.</summary>
    public (bool IsInSync, bool StartMoved) OnFetch(int follower, FetchTarget target, long leaderEndOffset, long brokerEpoch, long nowMs)
    {
        lock (_lock)
        {
            FollowerState state = _followers[follower];
            long start = state.LogStartOffset;
            state.OnFetch(target, leaderEndOffset, brokerEpoch, nowMs);
            return (_state.Isr.Contains(follower), state.LogStartOffset != start);
        }
    }

    /// <summary>Before this no replica that lives has records; -1 while one of them has not said where its log starts.</summary>
    public long LowWatermark(long leaderStartOffset, Predicate<int> isAlive)
    {
        lock (_lock)
        {
            long offset = leaderStartOffset;
            foreach ((int broker, FollowerState follower) in _followers)
            {
                if (isAlive(broker))
                {
                    offset = Math.Min(offset, follower.LogStartOffset);
                }
            }

            return offset;
        }
    }

    /// <summary>Of the followers in sync that have the offset and are wanted: the one that has most, then the one that caught up last.</summary>
    public int? BestFollower(long offset, Predicate<int> wanted)
    {
        lock (_lock)
        {
            (int Id, FollowerState State)? best = null;
            foreach ((int broker, FollowerState follower) in _followers)
            {
                if (_state.Isr.Contains(broker) && follower.Has(offset) && wanted(broker)
                    && (best is not { } b || (follower.LogEndOffset, follower.CaughtUpMs).CompareTo((b.State.LogEndOffset, b.State.CaughtUpMs)) > 0))
                {
                    best = (broker, follower);
                }
            }

            return best?.Id;
        }
    }

    /// <summary>Up to here every replica that counts has the log.</summary>
    public long ReplicatedUpTo(long leaderEndOffset)
    {
        lock (_lock)
        {
            long offset = leaderEndOffset;
            foreach ((int broker, FollowerState follower) in _followers)
            {
                if (_state.Isr.Contains(broker) || _proposed?.Contains(broker) == true)
                {
                    offset = Math.Min(offset, follower.LogEndOffset);
                }
            }

            return offset;
        }
    }

    /// <summary>Whether a follower outside the ISR belongs into it.</summary>
    public bool IsReadyToJoin(int follower, long highWatermark)
    {
        lock (_lock)
        {
            return _proposed is null && !_state.Isr.Contains(follower) && HasCaughtUp(follower, highWatermark);
        }
    }

    /// <summary>The ISR as it should be, if it is another one and no answer is awaited; from then on one is.</summary>
    public (PartitionImage From, int[] Isr, long[] Epochs)? Propose(long highWatermark, long leaderEndOffset, long nowMs, long maxLagMs)
    {
        lock (_lock)
        {
            if (_proposed is not null)
            {
                return null;
            }

            int[] isr = Array.FindAll(_state.Replicas, r => r == _self
                || (_state.Isr.Contains(r) ? !_followers[r].Lags(leaderEndOffset, nowMs, maxLagMs) : HasCaughtUp(r, highWatermark)));
            if (isr.Length == _state.Isr.Length && Array.TrueForAll(isr, _state.Isr.Contains))
            {
                return null;
            }

            _proposed = isr;
            return (_state, isr, Array.ConvertAll(isr, r => r == _self ? -1 : _followers[r].BrokerEpoch));
        }
    }

    /// <summary>The answer to a proposal: what is in force now, or null when nothing changed.</summary>
    public void Settle(int[]? isr, int partitionEpoch)
    {
        lock (_lock)
        {
            _proposed = null;
            Adopt(isr, partitionEpoch);
        }
    }

    /// <summary>The controller tells the same epoch again, perhaps with an ISR whose answer was lost.</summary>
    public void Refresh(PartitionImage state)
    {
        lock (_lock)
        {
            Adopt(state.Isr, state.PartitionEpoch);
        }
    }

    private void Adopt(int[]? isr, int partitionEpoch)
    {
        if (isr is not null && partitionEpoch > _state.PartitionEpoch)
        {
            _state = _state with { Isr = isr, PartitionEpoch = partitionEpoch };
        }
    }

    private bool HasCaughtUp(int follower, long highWatermark) =>
        _followers[follower].LogEndOffset is var end && end >= highWatermark && end >= EpochStartOffset;
}
