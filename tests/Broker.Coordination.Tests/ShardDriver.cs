using System.Globalization;
using System.Text;
using Broker.Protocol;

namespace Broker.Coordination.Tests;

/// <summary>
/// Drives a shard by hand: virtual time, and appends that complete when the test says so, in order. Everything that reached "the log" is in
/// <see cref="Log"/>.
/// </summary>
internal sealed class ShardDriver
{
    private readonly Queue<PendingAppend> _appends = new();
    private readonly Effects _effects = new();

    public ShardDriver(GroupSettings? settings = null, IMemberIds? ids = null)
    {
        Settings = settings ?? new GroupSettings { InitialRebalanceDelayMs = 0 };
        Ids = ids ?? new CountingIds();
        Shard = new GroupShard(Settings, Ids);
    }

    public GroupSettings Settings { get; }

    public IMemberIds Ids { get; }

    public GroupShard Shard { get; }

    public List<GroupRecord> Log { get; } = [];

    public List<GroupNote> Notes { get; } = [];

    /// <summary>Every answer, in the order given.</summary>
    public List<Call> Answers { get; } = [];

    public Moment Now { get; private set; } = new(1_000, 1_700_000_000_000);

    /// <summary>When true, appends wait for <see cref="CompleteAppend"/>.</summary>
    public bool HoldAppends { get; set; }

    public int HeldAppends => _appends.Count;

    public Group Group(string id = "g") => Shard.TryFind(id, out Group? group) ? group : throw new InvalidOperationException($"No group {id}.");

    public bool Has(string id = "g") => Shard.TryFind(id, out _);

    public void Step(Action<GroupShard, Moment, Effects> step)
    {
        step(Shard, Now, _effects);
        Drain();
    }

    public bool CompleteAppend(ErrorCode error = ErrorCode.None)
    {
        if (!_appends.TryDequeue(out PendingAppend append))
        {
            return false;
        }
        if (error == ErrorCode.None)
        {
            Log.AddRange(append.Records.Cast<GroupRecord>());
        }
        append.Continue(error, Now, _effects);
        Drain();
        return true;
    }

    public void Sleep(long ms)
    {
        long until = Now.MonotonicMs + ms;
        while (Shard.NextDeadlineMs <= until)
        {
            long at = Math.Max(Shard.NextDeadlineMs, Now.MonotonicMs);
            Now = new Moment(at, Now.UnixMs + at - Now.MonotonicMs);
            Step((shard, now, effects) => shard.Advance(now, effects));
        }
        Now = new Moment(until, Now.UnixMs + until - Now.MonotonicMs);
    }

    private void Drain()
    {
        Answers.AddRange(_effects.Answered);
        Notes.AddRange(_effects.Notes);
        foreach (PendingAppend append in _effects.Appends)
        {
            _appends.Enqueue(append);
        }
        _effects.Clear();
        if (!HoldAppends && _appends.Count > 0)
        {
            CompleteAppend();
        }
    }

    public Call<JoinResult> Join(string memberId = "", string? instanceId = null, string clientId = "c", int sessionTimeoutMs = 10_000, int rebalanceTimeoutMs = 60_000,
        string protocolType = "consumer", string protocols = "range", string group = "g", bool v4 = false, bool v9 = false, string? reason = null)
    {
        var call = new Call<JoinResult>();
        var join = new JoinInput
        {
            MemberId = memberId,
            InstanceId = instanceId,
            ClientId = clientId,
            ClientHost = "/10.0.0.1",
            SessionTimeoutMs = sessionTimeoutMs,
            RebalanceTimeoutMs = rebalanceTimeoutMs,
            ProtocolType = protocolType,
            Protocols = Protocols(protocols),
            Reason = reason,
            RequireKnownMemberId = v4,
            SupportsSkipAssignment = v9,
        };
        Step((shard, now, effects) => shard.Join(group, join, call, now, effects));
        return call;
    }

    /// <summary>"range=topicA,roundrobin": names with their metadata behind '='.</summary>
    public static JoinProtocol[] Protocols(string text) =>
        [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('=')).Select(part => new JoinProtocol(part[0], Subscription(part.Length > 1 ? part[1] : "t")))];

    /// <summary>Version 0 of a consumer's subscription with one topic.</summary>
    public static byte[] Subscription(string topic) =>
        [0, 0, 0, 0, 0, 1, 0, (byte)topic.Length, .. Encoding.UTF8.GetBytes(topic), 255, 255, 255, 255];

    public Call<SyncResult> Sync(string memberId, int generation, string? instanceId = null, string? protocolType = null, string? protocolName = null, string group = "g",
        params (string Member, string Assignment)[] assignments)
    {
        var call = new Call<SyncResult>();
        var sync = new SyncInput
        {
            MemberId = memberId,
            Generation = generation,
            InstanceId = instanceId,
            ProtocolType = protocolType,
            ProtocolName = protocolName,
            Assignments = assignments.ToDictionary(pair => pair.Member, pair => Encoding.UTF8.GetBytes(pair.Assignment)),
        };
        Step((shard, now, effects) => shard.Sync(group, sync, call, now, effects));
        return call;
    }

    public ErrorCode Heartbeat(string memberId, int generation, string? instanceId = null, string group = "g")
    {
        ErrorCode error = ErrorCode.None;
        Step((shard, now, _) => error = shard.Heartbeat(group, memberId, instanceId, generation, now));
        return error;
    }

    public ErrorCode Leave(string memberId, string? instanceId = null, string? reason = null, string group = "g")
    {
        var errors = new ErrorCode[1];
        ErrorCode error = ErrorCode.None;
        Step((shard, now, effects) => error = shard.Leave(group, [new LeavingMember(memberId, instanceId, reason)], errors, now, effects));
        return error == ErrorCode.None ? errors[0] : error;
    }

    public Call<CommitResult> Commit(string topic, long offset, string memberId = "", int generation = -1, string? instanceId = null, string group = "g", string metadata = "",
        long expireTimestampMs = -1)
    {
        var call = new Call<CommitResult>();
        var commit = new CommitInput
        {
            MemberId = memberId,
            Generation = generation,
            InstanceId = instanceId,
            Entries = [new CommitEntry(topic, 0, new CommittedOffset(offset, 5, metadata, Now.UnixMs, expireTimestampMs))],
        };
        Step((shard, now, effects) => shard.Commit(group, commit, call, now, effects));
        return call;
    }

    public ErrorCode DeleteGroup(string group = "g")
    {
        var call = new Call<Outcome>();
        Step((shard, now, effects) => shard.DeleteGroup(group, call, now, effects));
        return call.Result!.Error;
    }

    public long? Committed(string topic, string group = "g") => Group(group).Offsets.Find(new TopicPartition(topic, 0))?.Offset;

    /// <summary>A group of <paramref name="count"/> members that is Stable; the ids, leader first. Needs an initial delay of 0: the first member is alone in generation 1.</summary>
    public string[] StableGroup(int count, string group = "g", Func<int, string?>? instance = null, string protocols = "range")
    {
        List<Call<JoinResult>> joins = [Join(instanceId: instance?.Invoke(0), group: group, protocols: protocols)];
        string leader = joins[0].Result!.MemberId;
        for (int i = 1; i < count; i++)
        {
            joins.Add(Join(instanceId: instance?.Invoke(i), group: group, protocols: protocols));
        }
        if (count > 1)
        {
            joins[0] = Join(leader, instance?.Invoke(0), group: group, protocols: protocols);
        }
        string[] ids = [.. joins.Select(join => join.Result!.MemberId)];
        int generation = Group(group).Generation;
        foreach (string id in ids.Skip(1))
        {
            Sync(id, generation, group: group);
        }
        Sync(ids[0], generation, group: group, assignments: [.. ids.Select((id, i) => (id, string.Create(CultureInfo.InvariantCulture, $"part-{i}")))]);
        Assert.Equal(GroupState.Stable, Group(group).State);
        return ids;
    }

    private sealed class CountingIds : IMemberIds
    {
        private int _next;

        public string Next(string prefix) => string.Create(CultureInfo.InvariantCulture, $"{prefix}-{++_next}");
    }
}
