using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// The follower's side of an incremental fetch session: says only what changed since the last request. Belongs to one fetcher's loop.
/// </summary>
internal sealed class FollowerSession
{
    private readonly Dictionary<(Guid Topic, int Partition), FetchRequest.FetchPartition> _said = [];
    private int _id;
    private int _epoch;

    /// <summary>The next request names everything, and opens a new session.</summary>
    public void Reset()
    {
        _said.Clear();
        _id = 0;
        _epoch = 0;
    }

    /// <summary>Fills in the session, the partitions that are new or changed, and those to forget.</summary>
    public void Describe(FetchRequest request, IReadOnlyDictionary<(Guid Topic, int Partition), FetchRequest.FetchPartition> wanted)
    {
        request.SessionId = _id;
        request.SessionEpoch = _epoch;
        request.Topics = wanted.Where(w => !_said.TryGetValue(w.Key, out FetchRequest.FetchPartition said) || !Same(said, w.Value))
            .GroupBy(w => w.Key.Topic, w => w.Value)
            .Select(topic => new FetchRequest.FetchTopic { TopicId = topic.Key, Topic = "", Partitions = topic.ToArray() }).ToArray();
        request.ForgottenTopicsData = _said.Keys.Where(key => !wanted.ContainsKey(key))
            .GroupBy(key => key.Topic, key => key.Partition)
            .Select(topic => new FetchRequest.ForgottenTopic { TopicId = topic.Key, Topic = "", Partitions = topic.ToArray() }).ToArray();
        _said.Clear();
        foreach ((var key, FetchRequest.FetchPartition partition) in wanted)
        {
            _said[key] = partition;
        }
    }

    /// <summary>The leader has answered without an error of the session.</summary>
    public void OnAnswer(int sessionId)
    {
        if (sessionId == 0)
        {
            // It keeps no session for this one: everything is named each time.
            Reset();
            return;
        }

        _id = sessionId;
        _epoch = _epoch == int.MaxValue ? 1 : _epoch + 1;
    }

    private static bool Same(in FetchRequest.FetchPartition a, in FetchRequest.FetchPartition b) =>
        a.FetchOffset == b.FetchOffset && a.CurrentLeaderEpoch == b.CurrentLeaderEpoch && a.LastFetchedEpoch == b.LastFetchedEpoch && a.LogStartOffset == b.LogStartOffset;
}
