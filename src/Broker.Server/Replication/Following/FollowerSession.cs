using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// The follower's side of an incremental fetch session: says only what changed since the last request, and looks only at what may have. Belongs to one fetcher's loop.
/// </summary>
internal sealed class FollowerSession(int partitionMaxBytes)
{
    private readonly Dictionary<(Guid Topic, int Partition), Member> _members = [];
    private readonly HashSet<(Guid Topic, int Partition)> _toSay = [];
    private readonly HashSet<(Guid Topic, int Partition)> _toForget = [];
    private int _id;
    private int _epoch;

    public int Count => _members.Count;

    /// <summary>Asks for the partition from the next request on.</summary>
    public void Add(FollowedPartition partition)
    {
        _members[partition.Key] = new Member(partition);
        _toSay.Add(partition.Key);
        _toForget.Remove(partition.Key);
    }

    /// <summary>Asks for it no longer, unless another one with the same key took its place.</summary>
    public void Remove(FollowedPartition partition)
    {
        if (Find(partition.Key) == partition)
        {
            _members.Remove(partition.Key);
            _toSay.Remove(partition.Key);
            _toForget.Add(partition.Key);
        }
    }

    public FollowedPartition? Find((Guid Topic, int Partition) key) => _members.GetValueOrDefault(key)?.Partition;

    /// <summary>Its log may have changed.</summary>
    public void Touch(FollowedPartition partition) => _toSay.Add(partition.Key);

    /// <summary>Anything may have changed.</summary>
    public void TouchAll() => _toSay.UnionWith(_members.Keys);

    /// <summary>The next request names everything, and opens a new session.</summary>
    public void Reset()
    {
        _id = 0;
        _epoch = 0;
        _toForget.Clear();
        foreach (Member member in _members.Values)
        {
            member.Said = null;
        }

        TouchAll();
    }

    /// <summary>Fills in the session, the partitions that are new or changed, and those to forget.</summary>
    public void Describe(FetchRequest request)
    {
        request.SessionId = _id;
        request.SessionEpoch = _epoch;
        request.Topics = Topics();
        request.ForgottenTopicsData = _toForget.Count == 0 ? [] : _toForget.GroupBy(key => key.Topic, key => key.Partition)
            .Select(topic => new FetchRequest.ForgottenTopic { TopicId = topic.Key, Topic = "", Partitions = topic.ToArray() }).ToArray();
        _toForget.Clear();
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

    private FetchRequest.FetchTopic[] Topics()
    {
        if (_toSay.Count == 0)
        {
            return [];
        }

        var byTopic = new Dictionary<Guid, List<FetchRequest.FetchPartition>>();
        foreach ((Guid Topic, int Partition) key in _toSay)
        {
            if (!_members.TryGetValue(key, out Member? member))
            {
                continue;
            }

            FetchRequest.FetchPartition now = member.Partition.Describe(partitionMaxBytes);
            if (member.Said is { } said && Same(said, now))
            {
                continue;
            }

            member.Said = now;
            (byTopic.TryGetValue(key.Topic, out List<FetchRequest.FetchPartition>? partitions) ? partitions : byTopic[key.Topic] = []).Add(now);
        }

        _toSay.Clear();
        return [.. byTopic.Select(topic => new FetchRequest.FetchTopic { TopicId = topic.Key, Topic = "", Partitions = topic.Value })];
    }

    private static bool Same(in FetchRequest.FetchPartition a, in FetchRequest.FetchPartition b) =>
        a.FetchOffset == b.FetchOffset && a.CurrentLeaderEpoch == b.CurrentLeaderEpoch && a.LastFetchedEpoch == b.LastFetchedEpoch && a.LogStartOffset == b.LogStartOffset;

    private sealed class Member(FollowedPartition partition)
    {
        public FollowedPartition Partition { get; } = partition;

        /// <summary>What the leader knows of it in this session; null for nothing.</summary>
        public FetchRequest.FetchPartition? Said { get; set; }
    }
}
