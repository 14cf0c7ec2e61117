using Broker.Protocol;

namespace Broker.Coordination.Tests.Groups;

public sealed class StaticMemberTests
{
    private readonly ShardDriver _driver = new();

    private static string Instance(int i) => $"host{i}";

    [Fact]
    public void A_static_member_needs_no_round_trip_for_its_id() =>
        Assert.StartsWith("host0-", _driver.Join(instanceId: "host0", v4: true).Result!.MemberId);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_restarted_follower_gets_a_new_id_and_its_assignment_without_a_rebalance(bool v9)
    {
        string[] ids = _driver.StableGroup(2, instance: Instance);
        JoinResult back = _driver.Join(instanceId: "host1", v9: v9).Result!;
        Assert.Equal(ErrorCode.None, back.Error);
        Assert.NotEqual(ids[1], back.MemberId);
        Assert.Equal(2, back.Generation);
        Assert.Equal(ids[0], back.Leader);
        Assert.False(back.SkipAssignment);
        Assert.Equal(GroupState.Stable, _driver.Group().State);
        Assert.Equal("part-1"u8, _driver.Sync(back.MemberId, 2, "host1").Result!.Assignment);
        Assert.Equal(ErrorCode.FencedInstanceId, _driver.Heartbeat(ids[1], 2, "host1"));
        Assert.Equal(ErrorCode.UnknownMemberId, _driver.Heartbeat(ids[1], 2));
    }

    [Fact]
    public void A_restarted_leader_of_v9_leads_on_and_skips_the_assignment()
    {
        _driver.StableGroup(2, instance: Instance);
        JoinResult back = _driver.Join(instanceId: "host0", v9: true).Result!;
        Assert.Equal(back.MemberId, back.Leader);
        Assert.True(back.SkipAssignment);
        Assert.Equal(2, back.Members.Length);
    }

    [Fact]
    public void A_restarted_leader_before_v9_is_told_its_old_id_so_that_it_does_not_assign()
    {
        string[] ids = _driver.StableGroup(2, instance: Instance);
        JoinResult back = _driver.Join(instanceId: "host0").Result!;
        Assert.Equal(ids[0], back.Leader);
        Assert.NotEqual(ids[0], back.MemberId);
        Assert.Empty(back.Members);
        Assert.Equal(back.MemberId, _driver.Group().LeaderId);
    }

    [Fact]
    public void The_new_id_is_in_the_log_before_the_member_hears_of_it()
    {
        _driver.StableGroup(2, instance: Instance);
        _driver.HoldAppends = true;
        Call<JoinResult> back = _driver.Join(instanceId: "host1");
        Assert.False(back.IsAnswered);
        _driver.CompleteAppend();
        var record = (GroupMetadataRecord)_driver.Log.Last();
        Assert.Contains(record.Value!.Members, member => member.MemberId == back.Result!.MemberId);
    }

    [Fact]
    public void When_the_new_id_cannot_be_written_the_old_one_stays()
    {
        string[] ids = _driver.StableGroup(2, instance: Instance);
        _driver.HoldAppends = true;
        Call<JoinResult> back = _driver.Join(instanceId: "host1", protocols: "range=other");
        _driver.CompleteAppend(ErrorCode.NotEnoughReplicas);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, back.Result!.Error);
        Assert.Equal(ErrorCode.None, _driver.Heartbeat(ids[1], 2, "host1"));
    }

    [Fact]
    public void When_neither_of_two_returns_can_be_written_the_id_of_before_both_stays()
    {
        string[] ids = _driver.StableGroup(2, instance: Instance);
        _driver.HoldAppends = true;
        Call<JoinResult> first = _driver.Join(instanceId: "host1");
        Call<JoinResult> second = _driver.Join(instanceId: "host1");
        Assert.Equal(ErrorCode.FencedInstanceId, first.Result!.Error);
        _driver.CompleteAppend(ErrorCode.NotEnoughReplicas);
        _driver.CompleteAppend(ErrorCode.NotEnoughReplicas);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, second.Result!.Error);
        Assert.Equal(ErrorCode.None, _driver.Heartbeat(ids[1], 2, "host1"));
    }

    /// <summary>A record tells of all members, so that of one brings what that of another could not.</summary>
    [Fact]
    public void A_return_that_could_not_be_written_stands_when_the_record_of_the_next_has_it()
    {
        _driver.StableGroup(2, instance: Instance);
        _driver.HoldAppends = true;
        Call<JoinResult> refused = _driver.Join(instanceId: "host1");
        Call<JoinResult> written = _driver.Join(instanceId: "host0");
        _driver.CompleteAppend(ErrorCode.NotEnoughReplicas);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, refused.Result!.Error);
        _driver.CompleteAppend();
        Assert.Equal(ErrorCode.None, written.Result!.Error);
        var record = (GroupMetadataRecord)_driver.Log.Last();
        Assert.Equal(record.Value!.Members.Select(m => m.MemberId), _driver.Group().Members.Select(m => m.Id));
    }

    [Fact]
    public void A_change_of_the_selected_protocol_makes_a_rebalance()
    {
        _driver.StableGroup(2, instance: Instance, protocols: "a,b");
        Assert.False(_driver.Join(instanceId: "host1", protocols: "b").IsAnswered);
        Assert.Equal(GroupState.PreparingRebalance, _driver.Group().State);
        Assert.Contains("selected protocol changes", _driver.Group().Rebalances.Entries.Last().Reason);
    }

    [Fact]
    public void A_return_while_the_leader_assigns_makes_a_rebalance()
    {
        string[] ids = _driver.StableGroup(2, instance: Instance);
        Call<JoinResult> leader = _driver.Join(ids[0], "host0");
        _driver.Join(ids[1], "host1");
        Assert.Equal(GroupState.CompletingRebalance, _driver.Group().State);
        Assert.False(_driver.Join(instanceId: "host1").IsAnswered);
        Assert.Equal(GroupState.PreparingRebalance, _driver.Group().State);
        Assert.Equal(ErrorCode.RebalanceInProgress, _driver.Heartbeat(ids[0], leader.Result!.Generation, "host0"));
    }

    [Fact]
    public void Two_processes_with_one_instance_id_the_older_one_is_fenced()
    {
        string[] ids = _driver.StableGroup(2, instance: Instance);
        Call<JoinResult> parked = _driver.Join(ids[1], "host1", protocols: "range=new");
        _driver.Join(instanceId: "host1", protocols: "range=new");
        Assert.Equal(ErrorCode.FencedInstanceId, parked.Result!.Error);
        Assert.Equal(ErrorCode.FencedInstanceId, _driver.Join(ids[1], "host1").Result!.Error);
        Assert.Equal(ErrorCode.UnknownMemberId, _driver.Join(ids[1], "never-seen").Result!.Error);
    }

    [Fact]
    public void A_static_member_that_is_away_keeps_its_place_until_its_session_ends()
    {
        string[] ids = _driver.StableGroup(2, instance: Instance);
        _driver.Sleep(5_000);
        _driver.Heartbeat(ids[0], 2, "host0");
        _driver.Sleep(4_999);
        Assert.Equal(GroupState.Stable, _driver.Group().State);
        _driver.Sleep(1);
        Assert.Equal(GroupState.PreparingRebalance, _driver.Group().State);
        Assert.Contains($"member {ids[1]} sent no heartbeat for 10000 ms", _driver.Group().Rebalances.Entries.Last().Reason);
    }

    [Fact]
    public void A_rebalance_goes_on_without_a_static_member_that_is_away_but_keeps_it_a_member()
    {
        string[] ids = _driver.StableGroup(3, instance: i => i == 2 ? "host2" : null);
        Call<JoinResult> one = _driver.Join(ids[0], sessionTimeoutMs: 1_800_000, rebalanceTimeoutMs: 8_000);
        _driver.Join(ids[1], rebalanceTimeoutMs: 8_000);
        Assert.False(one.IsAnswered);
        for (int i = 0; i < 70 && !one.IsAnswered; i++)
        {
            _driver.Heartbeat(ids[2], 2, "host2");
            _driver.Sleep(1_000);
        }
        Assert.Equal(3, one.Result!.Generation);
        Assert.Equal(3, one.Result.Members.Length);
    }

    [Fact]
    public void An_administrator_removes_a_static_member_by_its_instance_id()
    {
        string[] ids = _driver.StableGroup(2, instance: Instance);
        Assert.Equal(ErrorCode.UnknownMemberId, _driver.Leave("", "host7"));
        Assert.Equal(ErrorCode.FencedInstanceId, _driver.Leave(ids[0], "host1"));
        Assert.Equal(ErrorCode.None, _driver.Leave("", "host1", "member was removed by an admin"));
        Assert.Single(_driver.Group().Members);
        Assert.Equal($"member {ids[1]} leaves; client's reason: member was removed by an admin", _driver.Group().Rebalances.Entries.Last().Reason);
    }
}
