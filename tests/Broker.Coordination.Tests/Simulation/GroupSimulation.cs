using System.Globalization;
using System.Text;
using Broker.Protocol;

namespace Broker.Coordination.Tests.Simulation;

/// <summary>
/// One seed: a few groups, clients that join, sync, commit, leave, crash, come back and lie, appends that are slow or fail, and coordinators that move.
/// After every step the group must be consistent, every answer must fit the log, and the log must give the same groups and offsets again.
/// </summary>
internal sealed class GroupSimulation
{
    private static readonly string[] GroupIds = ["g0", "g1"];
    private static readonly string[] Topics = ["t0", "t1", "t2"];

    private readonly Random _random;
    private readonly SeededIds _ids;
    private readonly List<SimulatedClient> _clients = [];
    private readonly List<Call> _calls = [];
    private readonly Dictionary<string, int> _newestGeneration = [];
    private readonly HashSet<string> _emptyNotWritten = [];
    private readonly List<GroupRecord> _log = [];
    private readonly bool _appendsFail;
    private ShardDriver _driver;
    private int _logged;
    private int _noted;
    private int _answered;
    private long _nextOffset;

    public GroupSimulation(int seed)
    {
        _random = new Random(seed);
        _ids = new SeededIds(_random);
        _appendsFail = _random.Next(3) == 0;
        Settings = new GroupSettings
        {
            InitialRebalanceDelayMs = _random.Next(2) * 3_000,
            MaxSize = _random.Next(4) == 0 ? 3 : int.MaxValue,
            MaxPendingMembers = 5,
            OffsetsRetentionMs = 3_600_000,
        };
        _driver = NewDriver();
        int clients = 2 + _random.Next(6);
        for (int i = 0; i < clients; i++)
        {
            _clients.Add(new SimulatedClient(i, GroupIds[_random.Next(GroupIds.Length)], _random));
        }
    }

    public GroupSettings Settings { get; }

    public List<string> Trace { get; } = [];

    private ShardDriver NewDriver() => new(Settings, _ids) { HoldAppends = true };

    public void Run(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            Act();
            Check();
        }
        Recover();
        Quiet();
    }

    private void Act()
    {
        SimulatedClient client = _clients[_random.Next(_clients.Count)];
        int dice = _random.Next(100);
        if (dice < 45)
        {
            Say($"{client}", () => client.Act(_driver, this));
        }
        else if (dice < 65)
        {
            bool fails = _appendsFail && _random.Next(8) == 0;
            ErrorCode error = !fails ? ErrorCode.None : _random.Next(2) == 0 ? ErrorCode.NotEnoughReplicas : ErrorCode.KafkaStorageError;
            Say($"append {error}", () => _driver.CompleteAppend(error));
        }
        else if (dice < 82)
        {
            int ms = _random.Next(10) == 0 ? _random.Next(70_000) : _random.Next(4_000);
            Say($"sleep {ms}", () => _driver.Sleep(ms));
        }
        else if (dice < 90)
        {
            Say($"{client} misbehaves", () => client.Misbehave(_driver, this));
        }
        else if (dice < 99)
        {
            Administrate();
        }
        else
        {
            Failover();
        }
    }

    private void Administrate()
    {
        string group = GroupIds[_random.Next(GroupIds.Length)];
        string topic = Topics[_random.Next(Topics.Length)];
        switch (_random.Next(6))
        {
            case 0:
                var deletion = Track(new Call<Outcome>());
                Say($"delete {group}", () => _driver.Step((shard, now, effects) => shard.DeleteGroup(group, deletion, now, effects)));
                break;
            case 1:
                var call = Track(new Call<DeleteOffsetsResult>());
                Say($"delete offsets {group} {topic}", () => _driver.Step((shard, now, effects) => shard.DeleteOffsets(group, [new(topic, 0)], call, now, effects)));
                break;
            case 2:
                Say("expire", () => _driver.Step((shard, now, effects) => shard.ExpireOffsets(now, effects)));
                break;
            case 3:
                Say($"topic {topic} deleted", () => _driver.Step((shard, _, effects) => shard.OnTopicsDeleted(new HashSet<string> { topic }, effects)));
                break;
            case 4:
                Say($"simple commit {group}", () => Track(_driver.Commit(topic, _nextOffset++, group: group)));
                break;
            default:
                Say($"admin removes i{_random.Next(3)} of {group}", () => _driver.Leave("", $"i{_random.Next(3)}", group: group));
                break;
        }
    }

    /// <summary>The coordinator moves: what waits is answered, appends under way are lost or not, and a new shard starts from the log.</summary>
    private void Failover()
    {
        Say("failover", () =>
        {
            _driver.Step((shard, _, effects) => shard.Abandon(ErrorCode.NotCoordinator, effects));
            int survive = _random.Next(_driver.HeldAppends + 1);
            while (_driver.HeldAppends > 0)
            {
                _driver.CompleteAppend(survive-- > 0 ? ErrorCode.None : ErrorCode.NotLeaderOrFollower);
            }
        });
        CheckAnswers();
        Assert.All(_calls, call => Assert.True(IsAnswered(call), "a call was left behind by the failover"));
        _calls.Clear();
        long lost = _driver.Now.UnixMs;
        ShardDriver old = _driver;
        _driver = NewDriver();
        _driver.Sleep(lost - _driver.Now.UnixMs);
        (_logged, _noted, _answered) = (0, 0, 0);
        LogReplay.Into(_driver.Shard, _log);
        _driver.Step((shard, now, effects) => shard.OnLoaded(now, effects));
        _emptyNotWritten.Clear();
        _newestGeneration.Clear();
        _ = old;
    }

    /// <summary>Faults end and every client behaves: each group must come to rest with all its clients in it, each with its own assignment.</summary>
    private void Recover()
    {
        for (int second = 0; second < 400 && !_clients.TrueForAll(client => client.IsStable && IsSettled(client)); second++)
        {
            foreach (SimulatedClient client in _clients)
            {
                Say($"{client}", () => client.Behave(_driver, this));
                while (_driver.CompleteAppend())
                {
                }
                Check();
            }
            _driver.Sleep(1_000);
            Check();
        }
        if (Settings.MaxSize != int.MaxValue)
        {
            return;
        }
        foreach (IGrouping<string, SimulatedClient> group in _clients.GroupBy(client => client.GroupId))
        {
            Group state = _driver.Group(group.Key);
            Assert.Equal(GroupState.Stable, state.State);
            Assert.Equal(group.Select(client => client.MemberId).Order(StringComparer.Ordinal), state.Members.Select(member => member.Id).Order(StringComparer.Ordinal));
            Assert.All(group, client => Assert.True(client.IsStable));
        }
    }

    private bool IsSettled(SimulatedClient client) =>
        _driver.Shard.TryFind(client.GroupId, out Group? group)
        && group.State == GroupState.Stable
        && group.Members.Count == _clients.Count(other => other.GroupId == client.GroupId)
        && group.FindMember(client.MemberId) is not null
        && group.Generation == client.Generation;

    /// <summary>Everybody is gone: every request is answered, and the groups end up empty and, a retention later, forgotten.</summary>
    private void Quiet()
    {
        _driver.HoldAppends = false;
        while (_driver.CompleteAppend())
        {
        }
        _driver.Sleep(2_000_000);
        Check();
        Assert.All(_calls, call => Assert.True(IsAnswered(call), "a call was never answered"));
        Assert.All(_driver.Shard.Groups, group => Assert.Equal(GroupState.Empty, group.State));
        CheckReplay();
        _driver.Sleep(Settings.OffsetsRetentionMs);
        _driver.Step((shard, now, effects) => shard.ExpireOffsets(now, effects));
        Assert.Empty(_driver.Shard.Groups);
        Assert.Equal(Moment.Never, _driver.Shard.NextDeadlineMs);
    }

    public Call<T> Track<T>(Call<T> call)
        where T : class
    {
        _calls.Add(call);
        return call;
    }

    public long NextOffset() => _nextOffset++;

    public string AnyTopic() => Topics[_random.Next(Topics.Length)];

    private void Say(string what, Action action)
    {
        Trace.Add(string.Create(CultureInfo.InvariantCulture, $"{_driver.Now.MonotonicMs,9} {what}"));
        action();
    }

    private void Check()
    {
        for (; _logged < _driver.Log.Count; _logged++)
        {
            _log.Add(_driver.Log[_logged]);
        }
        for (; _noted < _driver.Notes.Count; _noted++)
        {
            GroupNote note = _driver.Notes[_noted];
            Trace.Add($"          # {note.Kind} {note.GroupId} gen {note.Generation}: {note.Text}");
            if (note.Kind == GroupNoteKind.RebalanceStarted)
            {
                Assert.NotEmpty(note.Text);
            }
            if (note is { Kind: GroupNoteKind.AppendFailed } && note.Text.StartsWith("the empty group", StringComparison.Ordinal))
            {
                _emptyNotWritten.Add(note.GroupId);
            }
            else if (note.Kind is GroupNoteKind.BecameStable or GroupNoteKind.BecameEmpty or GroupNoteKind.Removed)
            {
                _emptyNotWritten.Remove(note.GroupId);
            }
        }
        CheckAnswers();
        foreach (Group group in _driver.Shard.Groups)
        {
            CheckGroup(group);
        }
        if (_driver.HeldAppends == 0 && _random.Next(10) == 0)
        {
            CheckReplay();
        }
    }

    private void CheckAnswers()
    {
        for (; _logged < _driver.Log.Count; _logged++)
        {
            _log.Add(_driver.Log[_logged]);
        }
        for (; _answered < _driver.Answers.Count; _answered++)
        {
            switch (_driver.Answers[_answered])
            {
                case Call<JoinResult> { Result: { Error: ErrorCode.None } join }:
                    Trace.Add($"          > {join.MemberId} in generation {join.Generation} of {join.ProtocolName}, leader {join.Leader}, {join.Members.Length} members");
                    Assert.True(join.Generation >= _newestGeneration.GetValueOrDefault(join.MemberId), $"{join.MemberId} was answered with an older generation");
                    _newestGeneration[join.MemberId] = join.Generation;
                    Assert.Equal(join.Leader == join.MemberId, join.Members.Length > 0 || (join.Leader == join.MemberId && join.Members.Length == 0));
                    Assert.False(join.Members.Length > 0 && join.Leader != join.MemberId, "members were shown to a follower");
                    break;
                case Call<JoinResult> { Result: { } join }:
                    Trace.Add($"          > join of {join.MemberId}: {join.Error}");
                    break;
                case Call<SyncResult> { Result: { Error: not ErrorCode.None } sync }:
                    Trace.Add($"          > sync: {sync.Error}");
                    break;
                case Call<SyncResult> { Result: { } sync } call:
                    SimulatedClient? client = _clients.Find(client => client.SyncCall == call);
                    if (client is not null)
                    {
                        CheckAssignment(client, sync);
                    }
                    break;
            }
        }
        _calls.RemoveAll(IsAnswered);
    }

    /// <summary>What a member is told must be what the newest record of its generation says.</summary>
    private void CheckAssignment(SimulatedClient client, SyncResult sync)
    {
        GroupSnapshot snapshot = _log.OfType<GroupMetadataRecord>().Last(record => record.Group == client.GroupId && record.Value?.Generation == client.Generation).Value!;
        MemberSnapshot member = Assert.Single(snapshot.Members, member => member.MemberId == client.MemberId);
        Assert.Equal(member.Assignment, sync.Assignment);
        Assert.Equal(snapshot.ProtocolName, sync.ProtocolName);
    }

    private static bool IsAnswered(Call call) => call switch
    {
        Call<JoinResult> join => join.IsAnswered,
        Call<SyncResult> sync => sync.IsAnswered,
        Call<CommitResult> commit => commit.IsAnswered,
        Call<Outcome> outcome => outcome.IsAnswered,
        Call<DeleteOffsetsResult> deleted => deleted.IsAnswered,
        _ => false,
    };

    private void CheckGroup(Group group)
    {
        Assert.Equal(group.Members.Count > 0, group.LeaderId is not null);
        Assert.True(group.LeaderId is null || group.FindMember(group.LeaderId) is not null, "the leader is not a member");
        Assert.Equal(group.Members.Count(member => member.Joining is not null), group.AwaitingJoin);
        Assert.Equal(group.Members.Where(member => member.IsStatic).ToDictionary(member => member.InstanceId!, member => member.Id), group.StaticMembers);
        Assert.All(group.Members, member => Assert.Same(member, group.FindMember(member.Id)));
        Assert.DoesNotContain(group.Members, member => group.PendingMemberIds.Contains(member.Id));
        Assert.True(group.PendingMemberIds.Count <= Settings.MaxPendingMembers);
        Assert.All(group.Members, member => Assert.False(member.Joining is { IsAnswered: true } || member.Syncing is { IsAnswered: true }, "an answered call is still parked"));
        switch (group.State)
        {
            case GroupState.Empty:
                Assert.Empty(group.Members);
                Assert.Null(group.ProtocolName);
                break;
            case GroupState.Stable:
                Assert.NotEmpty(group.Members);
                Assert.All(group.Members, member => Assert.Null(member.Syncing));
                break;
            case GroupState.CompletingRebalance:
                Assert.NotEmpty(group.Members);
                Assert.Equal(0, group.AwaitingJoin);
                break;
            case GroupState.PreparingRebalance:
                Assert.All(group.Members, member => Assert.Null(member.Syncing));
                Assert.True(group.NextDeadlineMs < Moment.Never);
                break;
        }
        Assert.True(group.State is GroupState.Empty or GroupState.PreparingRebalance or GroupState.Dead || group.Members.Count <= Settings.MaxSize);
    }

    private void CheckReplay()
    {
        var replayed = new GroupShard(Settings, _ids);
        LogReplay.Into(replayed, _log);
        foreach (Group group in _driver.Shard.Groups)
        {
            Dictionary<TopicPartition, CommittedOffset> expected = group.Offsets.Committed.ToDictionary();
            replayed.TryFind(group.Id, out Group? again);
            Assert.Equal(expected, again?.Offsets.Committed.ToDictionary() ?? []);
            if (group.Generation > 0 && group.State is GroupState.Stable or GroupState.Empty && !_emptyNotWritten.Contains(group.Id))
            {
                Assert.Equal(Describe(group), Describe(again!));
            }
        }
        Assert.All(replayed.Groups.Where(group => !_driver.Shard.TryFind(group.Id, out _)), group => Assert.True(group.IsVacant));
    }

    private static string Describe(Group group)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{group.Id} {group.State} gen {group.Generation} {group.ProtocolType}/{group.ProtocolName} leader {group.LeaderId}");
        foreach (GroupMember member in group.Members)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n  {member.Id} {member.InstanceId} {member.ClientId} {member.ClientHost} {member.SessionTimeoutMs} {member.RebalanceTimeoutMs} ");
            text.Append(Convert.ToHexString(member.MetadataOf(group.ProtocolName))).Append(' ').Append(Convert.ToHexString(member.Assignment));
        }
        if (group.SubscribedTopics is not null)
        {
            text.Append("\n  topics ").AppendJoin(',', group.SubscribedTopics.Order(StringComparer.Ordinal));
        }
        return text.ToString();
    }

    private sealed class SeededIds(Random random) : IMemberIds
    {
        public string Next(string prefix) => string.Create(CultureInfo.InvariantCulture, $"{prefix}-{random.NextInt64():x}");
    }
}
