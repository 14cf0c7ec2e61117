namespace Broker.Server;

/// <summary>What a leader knows of one follower in its leader epoch. Changed under the leader's lock.</summary>
internal sealed class FollowerState(long nowMs)
{
    /// <summary>Offset it asked for last: it has everything below. -1 before its first fetch.</summary>
    public long LogEndOffset { get; private set; } = -1;

    /// <summary>Epoch of its registration, as it said; -1 when it did not.</summary>
    public long BrokerEpoch { get; private set; } = -1;

    /// <summary>The last moment at which it had everything the leader had. A new leader grants its followers that they have it now.</summary>
    public long CaughtUpMs { get; private set; } = nowMs;

    private long _lastFetchMs = nowMs;
    private long _leaderEndAtLastFetch = long.MaxValue;

    /// <summary>A follower that has what the leader had at its fetch before was caught up then, though the leader went on meanwhile.</summary>
    public void OnFetch(long offset, long leaderEndOffset, long brokerEpoch, long nowMs)
    {
        if (offset >= leaderEndOffset)
        {
            CaughtUpMs = nowMs;
        }
        else if (offset >= _leaderEndAtLastFetch)
        {
            CaughtUpMs = Math.Max(CaughtUpMs, _lastFetchMs);
        }

        LogEndOffset = offset;
        BrokerEpoch = brokerEpoch;
        _lastFetchMs = nowMs;
        _leaderEndAtLastFetch = leaderEndOffset;
    }

    public bool Lags(long leaderEndOffset, long nowMs, long maxLagMs) => LogEndOffset != leaderEndOffset && nowMs - CaughtUpMs > maxLagMs;
}
