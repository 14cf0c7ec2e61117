using Broker.Protocol;

namespace Broker.Coordination.Tests.Groups;

public sealed class JoinTests
{
    private readonly ShardDriver _driver = new();

    [Fact]
    public void A_dynamic_member_of_v4_first_fetches_its_id()
    {
        JoinResult first = _driver.Join(clientId: "app", v4: true).Result!;
        Assert.Equal(ErrorCode.MemberIdRequired, first.Error);
        Assert.StartsWith("app-", first.MemberId);
        Assert.Empty(_driver.Group().Members);
        Assert.Single(_driver.Group().PendingMemberIds);

        JoinResult second = _driver.Join(first.MemberId, clientId: "app", v4: true).Result!;
        Assert.Equal(ErrorCode.None, second.Error);
        Assert.Equal(first.MemberId, second.MemberId);
        Assert.Equal(first.MemberId, second.Leader);
        Assert.Equal(1, second.Generation);
        Assert.Equal("range", second.ProtocolName);
        Assert.Single(second.Members);
    }

    [Fact]
    public void An_id_that_is_not_used_within_the_session_timeout_is_forgotten_and_the_group_with_it()
    {
        string id = _driver.Join(v4: true).Result!.MemberId;
        _driver.Sleep(9_999);
        Assert.True(_driver.Has());
        _driver.Sleep(2);
        Assert.False(_driver.Has());
        Assert.Equal(ErrorCode.UnknownMemberId, _driver.Join(id, v4: true).Result!.Error);
    }

    [Fact]
    public void Ids_handed_out_are_bounded()
    {
        var driver = new ShardDriver(new GroupSettings { MaxPendingMembers = 3 });
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(ErrorCode.MemberIdRequired, driver.Join(v4: true).Result!.Error);
        }
        Assert.Equal(ErrorCode.GroupMaxSizeReached, driver.Join(v4: true).Result!.Error);
    }

    [Theory]
    [InlineData(5_999, ErrorCode.InvalidSessionTimeout)]
    [InlineData(6_000, ErrorCode.None)]
    [InlineData(1_800_000, ErrorCode.None)]
    [InlineData(1_800_001, ErrorCode.InvalidSessionTimeout)]
    public void Session_timeouts_have_limits(int sessionTimeoutMs, ErrorCode expected) =>
        Assert.Equal(expected, _driver.Join(sessionTimeoutMs: sessionTimeoutMs).Result!.Error);

    [Fact]
    public void An_unknown_member_of_an_unknown_group_is_refused_and_makes_no_group()
    {
        Assert.Equal(ErrorCode.UnknownMemberId, _driver.Join("nobody").Result!.Error);
        Assert.False(_driver.Has());
    }

    [Theory]
    [InlineData("consumer", "", ErrorCode.InconsistentGroupProtocol)]
    [InlineData("", "range", ErrorCode.InconsistentGroupProtocol)]
    [InlineData("connect", "sessioned,default", ErrorCode.None)]
    [InlineData("sr", "v0", ErrorCode.None)]
    public void An_empty_group_takes_any_protocol_that_is_named(string type, string protocols, ErrorCode expected) =>
        Assert.Equal(expected, _driver.Join(protocolType: type, protocols: protocols).Result!.Error);

    [Fact]
    public void A_member_without_a_common_protocol_is_refused()
    {
        _driver.StableGroup(1);
        Assert.Equal(ErrorCode.InconsistentGroupProtocol, _driver.Join(protocols: "sticky").Result!.Error);
        Assert.Equal(ErrorCode.InconsistentGroupProtocol, _driver.Join(protocolType: "connect").Result!.Error);
        Assert.False(_driver.Join(protocols: "sticky,range").IsAnswered);
    }

    [Fact]
    public void The_protocol_with_most_votes_among_the_common_ones_wins()
    {
        string first = _driver.Join(protocols: "a,b,c").Result!.MemberId;
        Call<JoinResult> second = _driver.Join(protocols: "d,c,b");
        Call<JoinResult> third = _driver.Join(protocols: "c,b");
        JoinResult leader = _driver.Join(first, protocols: "a,b,c").Result!;
        Assert.Equal("c", leader.ProtocolName);
        Assert.Equal("c", second.Result!.ProtocolName);
        Assert.Equal("c", third.Result!.ProtocolName);
    }

    [Fact]
    public void Only_the_leader_sees_the_members_with_the_metadata_of_the_chosen_protocol()
    {
        string first = _driver.Join(protocols: "range=a,rr=b").Result!.MemberId;
        Call<JoinResult> second = _driver.Join(protocols: "range=c");
        JoinResult leader = _driver.Join(first, protocols: "range=a,rr=b").Result!;
        Assert.Empty(second.Result!.Members);
        Assert.Equal(first, second.Result.Leader);
        Assert.Equal([ShardDriver.Subscription("a"), ShardDriver.Subscription("c")], leader.Members.Select(member => member.Metadata));
    }

    [Fact]
    public void The_first_rebalance_waits_for_more_members_and_longer_while_they_come()
    {
        var driver = new ShardDriver(new GroupSettings { InitialRebalanceDelayMs = 3_000 });
        Call<JoinResult> first = driver.Join();
        driver.Sleep(2_000);
        Call<JoinResult> second = driver.Join();
        driver.Sleep(2_000);
        Assert.False(first.IsAnswered);
        driver.Sleep(2_000);
        Assert.Equal(1, first.Result!.Generation);
        Assert.Equal(1, second.Result!.Generation);
        Assert.Equal(2, first.Result.Members.Length);
    }

    [Fact]
    public void The_initial_delay_ends_with_the_rebalance_timeout_however_many_come()
    {
        var driver = new ShardDriver(new GroupSettings { InitialRebalanceDelayMs = 3_000 });
        Call<JoinResult> first = driver.Join(rebalanceTimeoutMs: 7_000);
        for (int i = 0; i < 7; i++)
        {
            Assert.False(first.IsAnswered);
            driver.Sleep(1_000);
            driver.Join(rebalanceTimeoutMs: 7_000);
        }
        Assert.True(first.IsAnswered);
    }

    [Fact]
    public void A_full_group_takes_nobody_else()
    {
        var driver = new ShardDriver(new GroupSettings { InitialRebalanceDelayMs = 0, MaxSize = 2 });
        string[] ids = driver.StableGroup(2);
        Assert.Equal(ErrorCode.GroupMaxSizeReached, driver.Join().Result!.Error);
        Assert.Equal(GroupState.Stable, driver.Group().State);
        Assert.Equal(ErrorCode.None, driver.Join(ids[1]).Result!.Error);
    }

    [Fact]
    public void Members_that_do_not_rejoin_in_time_are_removed()
    {
        string[] ids = _driver.StableGroup(3);
        Call<JoinResult> newcomer = _driver.Join(rebalanceTimeoutMs: 60_000);
        Call<JoinResult> back = _driver.Join(ids[1]);
        for (int i = 0; i < 12; i++)
        {
            Assert.False(newcomer.IsAnswered);
            _driver.Heartbeat(ids[0], 2);
            _driver.Heartbeat(ids[2], 2);
            _driver.Sleep(5_000);
        }
        Assert.Equal(3, newcomer.Result!.Generation);
        Assert.Equal(ids[1], back.Result!.Leader);
        Assert.Equal(2, _driver.Group().Members.Count);
        Assert.Equal(ErrorCode.UnknownMemberId, _driver.Heartbeat(ids[0], 3));
    }

    [Fact]
    public void A_member_with_the_same_metadata_gets_the_current_generation_again()
    {
        string[] ids = _driver.StableGroup(2);
        JoinResult again = _driver.Join(ids[1]).Result!;
        Assert.Equal(ErrorCode.None, again.Error);
        Assert.Equal(2, again.Generation);
        Assert.Empty(again.Members);
        Assert.Equal(GroupState.Stable, _driver.Group().State);
    }

    [Fact]
    public void In_completing_rebalance_the_leader_that_asks_again_gets_the_members_again()
    {
        JoinResult first = _driver.Join().Result!;
        JoinResult again = _driver.Join(first.MemberId).Result!;
        Assert.Equal(1, again.Generation);
        Assert.Single(again.Members);
    }

    [Theory]
    [InlineData(0, "range=t", "is the leader and rejoins")]
    [InlineData(1, "range=other", "rejoins with other metadata")]
    public void The_leader_or_new_metadata_make_a_rebalance(int who, string protocols, string why)
    {
        string[] ids = _driver.StableGroup(2);
        Assert.False(_driver.Join(ids[who], protocols: protocols, reason: "cached metadata has changed").IsAnswered);
        Assert.Equal(GroupState.PreparingRebalance, _driver.Group().State);
        Assert.Equal(ErrorCode.RebalanceInProgress, _driver.Heartbeat(ids[1 - who], 2));
        RebalanceEntry last = _driver.Group().Rebalances.Entries.Last();
        Assert.Equal($"member {ids[who]} {why}; client's reason: cached metadata has changed", last.Reason);
        Assert.Equal(2, last.Generation);
    }

    [Fact]
    public void A_second_join_of_the_same_member_takes_the_place_of_the_first()
    {
        string[] ids = _driver.StableGroup(2);
        Call<JoinResult> first = _driver.Join(ids[0]);
        Call<JoinResult> second = _driver.Join(ids[0]);
        Assert.Equal(ErrorCode.RebalanceInProgress, first.Result!.Error);
        Assert.False(second.IsAnswered);
        _driver.Join(ids[1]);
        Assert.Equal(3, second.Result!.Generation);
    }

    [Fact]
    public void A_new_member_waits_five_minutes_at_most()
    {
        string[] ids = _driver.StableGroup(1);
        Call<JoinResult> newcomer = _driver.Join(rebalanceTimeoutMs: int.MaxValue);
        for (int i = 0; i < 60 && !newcomer.IsAnswered; i++)
        {
            _driver.Heartbeat(ids[0], 1);
            _driver.Sleep(5_000);
        }
        Assert.Equal(ErrorCode.UnknownMemberId, newcomer.Result!.Error);
        Assert.Single(_driver.Group().Members);
    }

    [Fact]
    public void Reasons_of_rebalances_are_one_line_whatever_clients_send()
    {
        string[] ids = _driver.StableGroup(1);
        _driver.Join(ids[0], reason: "evil\r\nERROR fake line" + new string('x', 10_000));
        string reason = _driver.Group().Rebalances.Entries.Last().Reason;
        Assert.DoesNotContain('\n', reason);
        Assert.True(reason.Length <= 512);
        Assert.Contains(_driver.Notes, note => note.Kind == GroupNoteKind.RebalanceStarted && note.Text == reason);
    }
}
