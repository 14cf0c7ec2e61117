namespace Broker.Server;

/// <summary>What a leader knows of one follower in its leader epoch. Changed under the leader's lock.</summary>
internal sealed class FollowerState(long nowMs)
{
    /// <summary>Offset it asked for last: it has everything below. -1 before its first fetch.</summary>
    public long LogEndOffset { get; private set; } = -1;

    /// <summary>Where its log starts, as it said; -1 when it did not.</summary>
    public long LogStartOffset { get; private set; } = -1;

    /// <summary>Epoch of its registration, as it said; -1 when it did not.</summary>
    public long BrokerEpoch { get; private set; } = -1;

    /// <summary>
    /// The last moment at which it had everything the leader had. A new leader grants its followers that they have it now. While nothing is appended, it has with every
    /// fetch of the session, though the partition is not looked at for it.
    /// </summary>
    public long CaughtUpMs => _atRest is { IsClosed: false } target ? Math.Max(_caughtUpMs, target.Watch.LastUsedMs) : _caughtUpMs;

    private long _caughtUpMs = nowMs;
    private long _lastFetchMs = nowMs;
    private long _leaderEndAtLastFetch = long.MaxValue;
    private FetchTarget? _atRest;

    /// <summary>A follower that has what the leader had at its fetch before was caught up then, though the leader went on meanwhile.</summary>
    public void OnFetch(FetchTarget target, long leaderEndOffset, long brokerEpoch, long nowMs)
    {
        long offset = target.FetchOffset;
        if (offset >= leaderEndOffset)
        {
            _caughtUpMs = nowMs;
            _atRest = target;
        }
        else
        {
            _caughtUpMs = offset >= _leaderEndAtLastFetch ? Math.Max(_caughtUpMs, _lastFetchMs) : _caughtUpMs;
            _atRest = null;
        }

        LogEndOffset = offset;
        LogStartOffset = target.LogStartOffset;
        BrokerEpoch = brokerEpoch;
        _lastFetchMs = nowMs;
        _leaderEndAtLastFetch = leaderEndOffset;
    }

    public bool Has(long offset) => offset <= LogEndOffset && offset >= LogStartOffset;

    public bool Lags(long leaderEndOffset, long nowMs, long maxLagMs) => LogEndOffset != leaderEndOffset && nowMs - CaughtUpMs > maxLagMs;
}
