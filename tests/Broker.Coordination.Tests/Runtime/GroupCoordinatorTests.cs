using System.Text;
using Broker.Protocol;
using Broker.Protocol.Messages;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Coordination.Tests.Runtime;

public sealed class GroupCoordinatorTests : IAsyncLifetime
{
    private static readonly CallerInfo Caller = new("app", "/10.0.0.1", 9);
    private readonly FakeTimeProvider _time = new();
    private readonly MemoryLog _log = new();
    private GroupCoordinator _coordinator = null!;

    public async Task InitializeAsync() => _coordinator = await StartAsync();

    public async Task DisposeAsync() => await _coordinator.DisposeAsync();

    private async Task<GroupCoordinator> StartAsync(int leaderEpoch = 0)
    {
        var options = new GroupCoordinatorOptions { Groups = new GroupSettings { InitialRebalanceDelayMs = 3_000 }, OffsetsLoadBufferBytes = 1_024 };
        var coordinator = new GroupCoordinator(_log, options, topic => topic != "missing", _time, NullLoggerFactory.Instance);
        coordinator.Start();
        for (int partition = 0; partition < _log.PartitionCount; partition++)
        {
            await coordinator.LoadAsync(partition, leaderEpoch);
        }
        return coordinator;
    }

    private Task<JoinGroupResponse> JoinAsync(string memberId = "", string group = "g", short version = 3, string? instanceId = null) => _coordinator.JoinGroupAsync(
        new JoinGroupRequest
        {
            GroupId = group,
            SessionTimeoutMs = 10_000,
            RebalanceTimeoutMs = 60_000,
            MemberId = memberId,
            GroupInstanceId = instanceId,
            ProtocolType = "consumer",
            Protocols = new[] { new JoinGroupRequest.JoinGroupRequestProtocol { Name = "range", Metadata = ShardDriver.Subscription("t") } },
        },
        Caller with { ApiVersion = version }).AsTask();

    private Task<SyncGroupResponse> SyncAsync(JoinGroupResponse join, string group = "g") => _coordinator.SyncGroupAsync(
        new SyncGroupRequest
        {
            GroupId = group,
            GenerationId = join.GenerationId,
            MemberId = join.MemberId,
            Assignments = join.Members.ToArray().Select((member, i) =>
                new SyncGroupRequest.SyncGroupRequestAssignment { MemberId = member.MemberId, Assignment = Encoding.UTF8.GetBytes($"p{i}") }).ToArray(),
        },
        Caller with { ApiVersion = 5 }).AsTask();

    private ErrorCode Heartbeat(JoinGroupResponse join, string group = "g") =>
        _coordinator.Heartbeat(new HeartbeatRequest { GroupId = group, GenerationId = join.GenerationId, MemberId = join.MemberId }).ErrorCode;

    private async Task<ErrorCode[]> CommitAsync(string topic, long offset, string group = "g", string member = "", int generation = -1, long retentionMs = -1)
    {
        OffsetCommitResponse response = await _coordinator.OffsetCommitAsync(
            new OffsetCommitRequest
            {
                GroupId = group,
                MemberId = member,
                GenerationIdOrMemberEpoch = generation,
                RetentionTimeMs = retentionMs,
                Topics = new[]
                {
                    new OffsetCommitRequest.OffsetCommitRequestTopic
                    {
                        Name = topic,
                        Partitions = new[] { 0, 1 }.Select(index =>
                            new OffsetCommitRequest.OffsetCommitRequestPartition { PartitionIndex = index, CommittedOffset = offset + index, CommittedLeaderEpoch = 4 }).ToArray(),
                    },
                },
            },
            Caller);
        return [.. response.Topics.ToArray().SelectMany(t => t.Partitions.ToArray()).Select(partition => partition.ErrorCode)];
    }

    /// <summary>"topic-partition=offset" for everything the group has committed.</summary>
    private string[] FetchAll(string group = "g")
    {
        OffsetFetchResponse response = _coordinator.OffsetFetch(
            new OffsetFetchRequest { Groups = new[] { new OffsetFetchRequest.OffsetFetchRequestGroup { GroupId = group, Topics = WireArray<OffsetFetchRequest.OffsetFetchRequestTopics>.Null } } },
            Caller);
        OffsetFetchResponse.OffsetFetchResponseGroup answer = response.Groups.ToArray().Single();
        Assert.Equal(ErrorCode.None, answer.ErrorCode);
        return [.. answer.Topics.ToArray().SelectMany(topic => topic.Partitions.ToArray().Select(partition => $"{topic.Name}-{partition.PartitionIndex}={partition.CommittedOffset}")).Order(StringComparer.Ordinal)];
    }

    /// <summary>A stable group of members that came together within the initial delay.</summary>
    private async Task<JoinGroupResponse[]> StableGroupAsync(int count, string group = "g")
    {
        Task<JoinGroupResponse>[] joins = [.. Enumerable.Range(0, count).Select(_ => JoinAsync(group: group))];

        // The delay of 3 s, and once more because members came meanwhile.
        _time.Advance(TimeSpan.FromSeconds(3));
        _time.Advance(TimeSpan.FromSeconds(3));
        JoinGroupResponse[] joined = await Task.WhenAll(joins);
        Assert.All(await Task.WhenAll(joined.Select(join => SyncAsync(join, group))), sync => Assert.Equal(ErrorCode.None, sync.ErrorCode));
        return joined;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(5)]
    public async Task Members_that_start_together_share_one_generation(int count)
    {
        JoinGroupResponse[] joined = await StableGroupAsync(count);
        Assert.All(joined, join => Assert.Equal(1, join.GenerationId));
        Assert.Single(joined, join => join.Members.Count == count);
        DescribeGroupsResponse.DescribedGroup described = _coordinator.DescribeGroups(new DescribeGroupsRequest { Groups = new[] { "g" } }, Caller with { ApiVersion = 5 }).Groups.ToArray().Single();
        Assert.Equal(("Stable", "consumer", "range", count), (described.GroupState, described.ProtocolType, described.ProtocolData, described.Members.Count));
        DescribeGroupsResponse.DescribedGroupMember[] members = described.Members.ToArray();
        Assert.All(members, member => Assert.Equal(("app", "/10.0.0.1"), (member.ClientId, member.ClientHost)));
        Assert.Equal(Enumerable.Range(0, count).Select(i => $"p{i}"), members.Select(member => Encoding.UTF8.GetString(member.MemberAssignment)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_killed_consumer_makes_the_others_rebalance_when_its_session_ends_and_the_reason_is_kept()
    {
        JoinGroupResponse[] joined = await StableGroupAsync(2);
        for (int i = 0; i < 4; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(3));
            if (i < 3)
            {
                Assert.Equal(ErrorCode.None, Heartbeat(joined[0]));
            }
        }
        Assert.Equal(ErrorCode.RebalanceInProgress, Heartbeat(joined[0]));
        Assert.Equal(ErrorCode.UnknownMemberId, Heartbeat(joined[1]));
        JoinGroupResponse again = await JoinAsync(joined[0].MemberId);
        Assert.Equal((2, 1), (again.GenerationId, again.Members.Count));
        Assert.Equal($"member {joined[1].MemberId} sent no heartbeat for 10000 ms", _coordinator.RecentRebalances("g")[^1].Reason);
    }

    [Fact]
    public async Task Version_4_fetches_its_member_id_first()
    {
        JoinGroupResponse first = await JoinAsync(version: 4);
        Assert.Equal(ErrorCode.MemberIdRequired, first.ErrorCode);
        Assert.Matches("^app-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", first.MemberId);
        Assert.Equal("", first.ProtocolName);
        Assert.Null((await JoinAsync("made-up", version: 7)).ProtocolName);
    }

    [Fact]
    public async Task A_restart_keeps_groups_members_and_offsets()
    {
        JoinGroupResponse[] joined = await StableGroupAsync(3);
        Assert.Equal([ErrorCode.None, ErrorCode.None], await CommitAsync("t", 10, member: joined[0].MemberId, generation: 1));
        Assert.Equal([ErrorCode.None, ErrorCode.None], await CommitAsync("u", 20, group: "simple"));
        await _coordinator.DisposeAsync();

        _coordinator = await StartAsync();
        Assert.Equal(["t-0=10", "t-1=11"], FetchAll());
        Assert.Equal(["u-0=20", "u-1=21"], FetchAll("simple"));
        Assert.All(joined, join => Assert.Equal(ErrorCode.None, Heartbeat(join)));
        Assert.Equal("p1", Encoding.UTF8.GetString((await SyncAsync(joined[1])).Assignment));
        ListGroupsResponse.ListedGroup[] listed = _coordinator.ListGroups(new ListGroupsRequest()).Groups.ToArray();
        Assert.Equal([("g", "consumer", "Stable", "classic"), ("simple", "", "Empty", "classic")],
            listed.Select(group => (group.GroupId, group.ProtocolType, group.GroupState, group.GroupType)).OrderBy(group => group.GroupId, StringComparer.Ordinal));
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.All(joined, join => Assert.Equal(ErrorCode.UnknownMemberId, Heartbeat(join)));
    }

    [Theory]
    [InlineData(new[] { "stable" }, new string[0], 1)]
    [InlineData(new[] { "EMPTY", "Stable" }, new[] { "Classic" }, 2)]
    [InlineData(new[] { "Dead" }, new string[0], 0)]
    [InlineData(new string[0], new[] { "consumer" }, 0)]
    public async Task Groups_are_listed_by_state_and_type(string[] states, string[] types, int expected)
    {
        await StableGroupAsync(1);
        await CommitAsync("t", 1, group: "simple");
        Assert.Equal(expected, _coordinator.ListGroups(new ListGroupsRequest { StatesFilter = states, TypesFilter = types }).Groups.Count);
    }

    [Theory]
    [InlineData(5, ErrorCode.None, null)]
    [InlineData(6, ErrorCode.GroupIdNotFound, "Group nobody not found.")]
    public void Unknown_groups_are_dead(short version, ErrorCode error, string? message)
    {
        DescribeGroupsResponse.DescribedGroup group = _coordinator.DescribeGroups(new DescribeGroupsRequest { Groups = new[] { "nobody" } }, Caller with { ApiVersion = version }).Groups.ToArray().Single();
        Assert.Equal(("Dead", error, message), (group.GroupState, group.ErrorCode, group.ErrorMessage));
    }

    [Fact]
    public async Task Offsets_of_unknown_topics_are_refused_and_of_known_ones_in_the_same_request_kept()
    {
        OffsetCommitRequest.OffsetCommitRequestTopic Topic(string name) => new()
        {
            Name = name,
            Partitions = new[] { new OffsetCommitRequest.OffsetCommitRequestPartition { PartitionIndex = 3, CommittedOffset = 5, CommittedMetadata = null } },
        };
        OffsetCommitResponse response = await _coordinator.OffsetCommitAsync(new OffsetCommitRequest { GroupId = "g", Topics = new[] { Topic("missing"), Topic("t"), Topic("missing") } }, Caller);
        Assert.Equal(
            [("missing", 3, ErrorCode.UnknownTopicOrPartition), ("t", 3, ErrorCode.None), ("missing", 3, ErrorCode.UnknownTopicOrPartition)],
            response.Topics.ToArray().Select(topic => (topic.Name, topic.Partitions.ToArray()[0].PartitionIndex, topic.Partitions.ToArray()[0].ErrorCode)));
        Assert.Equal(["t-3=5"], FetchAll());
    }

    [Fact]
    public async Task Offsets_that_were_never_committed_are_minus_one_without_an_error()
    {
        await CommitAsync("t", 1);
        var request = new OffsetFetchRequest { GroupId = "g", Topics = new[] { new OffsetFetchRequest.OffsetFetchRequestTopic { Name = "t", PartitionIndexes = new[] { 0, 9 } } } };
        OffsetFetchResponse.OffsetFetchResponsePartition[] partitions = _coordinator.OffsetFetch(request, Caller with { ApiVersion = 5 }).Topics.ToArray().Single().Partitions.ToArray();
        Assert.Equal([(0, 1L, 4, "", ErrorCode.None), (9, -1L, -1, "", ErrorCode.None)],
            partitions.Select(partition => (partition.PartitionIndex, partition.CommittedOffset, partition.CommittedLeaderEpoch, partition.Metadata!, partition.ErrorCode)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    public async Task Errors_of_a_fetch_stand_where_the_version_has_them(short version)
    {
        for (int partition = 0; partition < _log.PartitionCount; partition++)
        {
            await _coordinator.UnloadAsync(partition, 1);
        }
        OffsetFetchResponse response = _coordinator.OffsetFetch(
            version >= 8
                ? new OffsetFetchRequest { Groups = new[] { new OffsetFetchRequest.OffsetFetchRequestGroup { GroupId = "g" } } }
                : new OffsetFetchRequest { GroupId = "g", Topics = new[] { new OffsetFetchRequest.OffsetFetchRequestTopic { Name = "t", PartitionIndexes = new[] { 0 } } } },
            Caller with { ApiVersion = version });
        Assert.Equal(version == 1 ? [ErrorCode.NotCoordinator] : [], response.Topics.ToArray().SelectMany(topic => topic.Partitions.ToArray()).Select(partition => partition.ErrorCode));
        Assert.Equal(version == 8 ? [ErrorCode.NotCoordinator] : [], response.Groups.ToArray().Select(group => group.ErrorCode));
        Assert.Equal(version == 8 ? ErrorCode.None : ErrorCode.NotCoordinator, response.ErrorCode);
    }

    [Fact]
    public async Task A_commit_under_way_is_unstable()
    {
        await CommitAsync("t", 1);
        _log.Hold();
        Task<ErrorCode[]> commit = CommitAsync("t", 5);
        var request = new OffsetFetchRequest { GroupId = "g", RequireStable = true, Topics = new[] { new OffsetFetchRequest.OffsetFetchRequestTopic { Name = "t", PartitionIndexes = new[] { 0 } } } };
        OffsetFetchResponse.OffsetFetchResponsePartition Fetch() => _coordinator.OffsetFetch(request, Caller with { ApiVersion = 7 }).Topics.ToArray().Single().Partitions.ToArray().Single();
        Assert.Equal((-1, ErrorCode.UnstableOffsetCommit), (Fetch().CommittedOffset, Fetch().ErrorCode));
        _log.Release();
        await commit;
        Assert.Equal((5, ErrorCode.None), (Fetch().CommittedOffset, Fetch().ErrorCode));
    }

    [Fact]
    public async Task Commits_that_gather_behind_a_slow_append_share_a_batch()
    {
        _log.Hold();
        Task<ErrorCode[]>[] commits = [.. Enumerable.Range(0, 100).Select(i => CommitAsync("t", i))];
        _log.Release();
        await Task.WhenAll(commits);
        Assert.Equal(["t-0=99", "t-1=100"], FetchAll());
        Assert.InRange(_log.Appends, 1, 10);
    }

    [Fact]
    public async Task Batches_too_large_together_go_one_by_one()
    {
        _log.Hold();
        Task<ErrorCode[]>[] commits = [.. Enumerable.Range(0, 3).Select(i => CommitAsync("t", i))];
        _log.NextError = ErrorCode.MessageTooLarge;
        _log.Release();
        Assert.All(await Task.WhenAll(commits), errors => Assert.All(errors, error => Assert.Equal(ErrorCode.InvalidCommitOffsetSize, error)));
        Assert.InRange(_log.Appends, 2, 4);
        Assert.Empty(FetchAll());
    }

    [Fact]
    public async Task Who_waits_when_the_partition_moves_is_answered()
    {
        Task<JoinGroupResponse> join = JoinAsync();
        Assert.False(join.IsCompleted);
        await _coordinator.UnloadAsync(_coordinator.PartitionFor("g"), 1);
        Assert.Equal(ErrorCode.NotCoordinator, (await join).ErrorCode);
        Assert.Equal(ErrorCode.NotCoordinator, (await JoinAsync()).ErrorCode);
        Assert.Equal([ErrorCode.NotCoordinator, ErrorCode.NotCoordinator], await CommitAsync("t", 1));
        await _coordinator.LoadAsync(_coordinator.PartitionFor("g"), 2);
        Assert.Equal([ErrorCode.None, ErrorCode.None], await CommitAsync("t", 1));
    }

    [Fact]
    public async Task Who_waits_when_the_broker_stops_is_answered()
    {
        Task<JoinGroupResponse> join = JoinAsync();
        await _coordinator.StopAsync();
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, (await join).ErrorCode);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, (await JoinAsync()).ErrorCode);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, _coordinator.ListGroups(new ListGroupsRequest()).ErrorCode);
    }

    [Fact]
    public async Task An_empty_group_id_can_keep_offsets_but_have_no_members()
    {
        Assert.Equal(ErrorCode.InvalidGroupId, (await JoinAsync(group: "")).ErrorCode);
        Assert.Equal(ErrorCode.InvalidGroupId, _coordinator.Heartbeat(new HeartbeatRequest()).ErrorCode);
        Assert.Equal([ErrorCode.None, ErrorCode.None], await CommitAsync("t", 1, group: ""));
        Assert.Equal(["t-0=1", "t-1=2"], FetchAll(""));
    }

    [Fact]
    public async Task Before_the_topic_exists_nobody_coordinates()
    {
        _log.PartitionCount = 0;
        Assert.Equal(-1, _coordinator.PartitionFor("g"));
        Assert.Equal(ErrorCode.NotCoordinator, (await JoinAsync()).ErrorCode);
    }

    [Fact]
    public async Task Members_leave_one_or_many()
    {
        JoinGroupResponse[] joined = await StableGroupAsync(3);
        Assert.Equal(ErrorCode.None, _coordinator.LeaveGroup(new LeaveGroupRequest { GroupId = "g", MemberId = joined[0].MemberId }, Caller with { ApiVersion = 2 }).ErrorCode);
        Assert.Equal(ErrorCode.UnknownMemberId, _coordinator.LeaveGroup(new LeaveGroupRequest { GroupId = "g", MemberId = joined[0].MemberId }, Caller with { ApiVersion = 2 }).ErrorCode);
        LeaveGroupResponse response = _coordinator.LeaveGroup(
            new LeaveGroupRequest
            {
                GroupId = "g",
                Members = new[] { joined[1].MemberId, "nobody", joined[2].MemberId }.Select(id => new LeaveGroupRequest.MemberIdentity { MemberId = id, Reason = "done" }).ToArray(),
            },
            Caller with { ApiVersion = 5 });
        Assert.Equal([ErrorCode.None, ErrorCode.UnknownMemberId, ErrorCode.None], response.Members.ToArray().Select(member => member.ErrorCode));
        Assert.Equal("Empty", _coordinator.ListGroups(new ListGroupsRequest()).Groups.ToArray().Single().GroupState);
    }

    [Fact]
    public async Task Groups_and_offsets_are_deleted_for_good()
    {
        await CommitAsync("t", 1, group: "a");
        await CommitAsync("u", 1, group: "a");
        await StableGroupAsync(1, "b");
        OffsetDeleteResponse deleted = await _coordinator.OffsetDeleteAsync(new OffsetDeleteRequest
        {
            GroupId = "a",
            Topics = new[] { "missing", "t" }.Select(name => new OffsetDeleteRequest.OffsetDeleteRequestTopic
            {
                Name = name,
                Partitions = new[] { new OffsetDeleteRequest.OffsetDeleteRequestPartition { PartitionIndex = 0 } },
            }).ToArray(),
        });
        Assert.Equal([("missing", ErrorCode.UnknownTopicOrPartition), ("t", ErrorCode.None)], deleted.Topics.ToArray().Select(topic => (topic.Name, topic.Partitions.ToArray()[0].ErrorCode)));
        Assert.Equal(["t-1=2", "u-0=1", "u-1=2"], FetchAll("a"));

        DeleteGroupsResponse response = await _coordinator.DeleteGroupsAsync(new DeleteGroupsRequest { GroupsNames = new[] { "a", "b", "c", "a" } });
        Assert.Equal([("a", ErrorCode.None), ("b", ErrorCode.NonEmptyGroup), ("c", ErrorCode.GroupIdNotFound)], response.Results.ToArray().Select(result => (result.GroupId, result.ErrorCode)));
        await _coordinator.DisposeAsync();
        _coordinator = await StartAsync();
        Assert.Empty(FetchAll("a"));
        Assert.Equal("b", _coordinator.ListGroups(new ListGroupsRequest()).Groups.ToArray().Single().GroupId);
    }

    [Fact]
    public async Task Expired_offsets_go_at_the_next_check()
    {
        await CommitAsync("t", 1, retentionMs: 1_000);
        await CommitAsync("u", 1);
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(4, FetchAll().Length);
        _time.Advance(TimeSpan.FromMinutes(5));
        await UntilAsync(() => FetchAll() is ["u-0=1", "u-1=2"]);
        _time.Advance(TimeSpan.FromDays(7));
        await UntilAsync(() => FetchAll().Length == 0);
        await UntilAsync(() => _coordinator.ListGroups(new ListGroupsRequest()).Groups.Count == 0);
    }

    [Fact]
    public async Task Deleted_topics_take_their_offsets_along()
    {
        await CommitAsync("gone", 1);
        await CommitAsync("kept", 1);
        _coordinator.OnTopicsDeleted(["gone"]);
        await UntilAsync(() => FetchAll() is ["kept-0=1", "kept-1=2"]);
    }

    /// <summary>Appends that nobody waits for run on the thread pool: looks again until it is so.</summary>
    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(1);
        }
    }
}
