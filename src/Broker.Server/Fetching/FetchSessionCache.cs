using Broker.Protocol;

namespace Broker.Server;

/// <summary>
/// The fetch sessions of this broker, at most <c>max.incremental.fetch.session.cache.slots</c>. Thread-safe.
/// A full cache gives up the session that was unused longest, but only after <see cref="EvictionMs"/>: a younger one is still wanted, and
/// the newcomer then works without a session, which costs bandwidth and nothing else (KIP-227).
/// </summary>
internal sealed class FetchSessionCache(int slots, TimeProvider time)
{
    private const long EvictionMs = 120_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<int, FetchSession> _sessions = [];

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _sessions.Count;
            }
        }
    }

    /// <summary>Makes a session, or returns null when every slot is taken by one in use.</summary>
    public FetchSession? TryCreate(bool usesTopicIds)
    {
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        lock (_lock)
        {
            if (_sessions.Count >= slots && !EvictOne(now))
            {
                return null;
            }

            int id;
            do
            {
                id = Random.Shared.Next(1, int.MaxValue);
            }
            while (_sessions.ContainsKey(id));

            var session = new FetchSession(id, now) { UsesTopicIds = usesTopicIds };
            _sessions[id] = session;
            return session;
        }
    }

    /// <summary>Finds the session of an incremental request and takes its epoch; the error tells the client to start over.</summary>
    public ErrorCode TryContinue(int id, int epoch, bool usesTopicIds, out FetchSession? session)
    {
        lock (_lock)
        {
            if (!_sessions.TryGetValue(id, out session))
            {
                return ErrorCode.FetchSessionIdNotFound;
            }

            if (session.NextEpoch != epoch)
            {
                return ErrorCode.InvalidFetchSessionEpoch;
            }

            if (session.UsesTopicIds != usesTopicIds)
            {
                return ErrorCode.FetchSessionTopicIdError;
            }

            session.AdvanceEpoch();
            session.Watch.LastUsedMs = time.GetUtcNow().ToUnixTimeMilliseconds();
            return ErrorCode.None;
        }
    }

    public void Remove(int id)
    {
        FetchSession? session;
        lock (_lock)
        {
            _sessions.Remove(id, out session);
        }

        session?.Close();
    }

    private bool EvictOne(long now)
    {
        FetchSession? oldest = null;
        foreach (FetchSession session in _sessions.Values)
        {
            if (oldest is null || session.Watch.LastUsedMs < oldest.Watch.LastUsedMs)
            {
                oldest = session;
            }
        }

        if (oldest is null || now - oldest.Watch.LastUsedMs <= EvictionMs)
        {
            return false;
        }

        _sessions.Remove(oldest.Id);
        oldest.Close();
        return true;
    }
}
