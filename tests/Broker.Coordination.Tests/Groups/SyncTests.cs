using Broker.Protocol;

namespace Broker.Coordination.Tests.Groups;

public sealed class SyncTests
{
    private readonly ShardDriver _driver = new();

    /// <summary>Two members in CompletingRebalance of generation 2, leader first.</summary>
    private string[] Completing()
    {
        string[] ids = _driver.StableGroup(1);
        Call<JoinResult> second = _driver.Join();
        _driver.Join(ids[0]);
        Assert.Equal(GroupState.CompletingRebalance, _driver.Group().State);
        return [ids[0], second.Result!.MemberId];
    }

    [Fact]
    public void Followers_wait_for_the_leader_and_everybody_for_the_log()
    {
        string[] ids = Completing();
        _driver.HoldAppends = true;
        Call<SyncResult> follower = _driver.Sync(ids[1], 2);
        Call<SyncResult> leader = _driver.Sync(ids[0], 2, assignments: [(ids[0], "A"), (ids[1], "B")]);
        Assert.False(follower.IsAnswered || leader.IsAnswered);
        Assert.Equal(GroupState.CompletingRebalance, _driver.Group().State);

        _driver.CompleteAppend();
        Assert.Equal("A"u8, leader.Result!.Assignment);
        Assert.Equal("B"u8, follower.Result!.Assignment);
        Assert.Equal("consumer", follower.Result.ProtocolType);
        Assert.Equal("range", follower.Result.ProtocolName);
        Assert.Equal(GroupState.Stable, _driver.Group().State);
        Assert.Equal("B"u8, ((GroupMetadataRecord)_driver.Log.Last()).Value!.Members[1].Assignment);
    }

    [Theory]
    [InlineData(ErrorCode.NotLeaderOrFollower, ErrorCode.NotCoordinator)]
    [InlineData(ErrorCode.KafkaStorageError, ErrorCode.NotCoordinator)]
    [InlineData(ErrorCode.NotEnoughReplicas, ErrorCode.CoordinatorNotAvailable)]
    [InlineData(ErrorCode.RequestTimedOut, ErrorCode.RebalanceInProgress)]
    [InlineData(ErrorCode.MessageTooLarge, ErrorCode.UnknownServerError)]
    public void When_the_assignment_cannot_be_written_all_are_told_and_the_group_rebalances(ErrorCode append, ErrorCode answer)
    {
        string[] ids = Completing();
        _driver.HoldAppends = true;
        Call<SyncResult> follower = _driver.Sync(ids[1], 2);
        Call<SyncResult> leader = _driver.Sync(ids[0], 2, assignments: [(ids[0], "A"), (ids[1], "B")]);
        _driver.CompleteAppend(append);
        Assert.Equal(answer, leader.Result!.Error);
        Assert.Equal(answer, follower.Result!.Error);
        Assert.Equal(GroupState.PreparingRebalance, _driver.Group().State);
    }

    [Fact]
    public void Members_the_leader_forgot_get_an_empty_assignment()
    {
        string[] ids = Completing();
        Call<SyncResult> follower = _driver.Sync(ids[1], 2);
        _driver.Sync(ids[0], 2, assignments: [(ids[0], "A"), ("stranger", "X")]);
        Assert.Equal(ErrorCode.None, follower.Result!.Error);
        Assert.Empty(follower.Result.Assignment);
    }

    [Fact]
    public void The_second_assignment_of_an_impatient_leader_does_not_race_with_the_first()
    {
        string[] ids = Completing();
        _driver.HoldAppends = true;
        Call<SyncResult> first = _driver.Sync(ids[0], 2, assignments: [(ids[0], "A")]);
        Call<SyncResult> second = _driver.Sync(ids[0], 2, assignments: [(ids[0], "other")]);
        Assert.Equal(ErrorCode.RebalanceInProgress, first.Result!.Error);
        Assert.Equal(1, _driver.HeldAppends);
        _driver.CompleteAppend();
        Assert.Equal("A"u8, second.Result!.Assignment);
    }

    [Fact]
    public void A_stable_group_answers_at_once()
    {
        string[] ids = _driver.StableGroup(2);
        Assert.Equal("part-1"u8, _driver.Sync(ids[1], 2).Result!.Assignment);
    }

    [Fact]
    public void What_is_checked()
    {
        string[] ids = Completing();
        Assert.Equal(ErrorCode.UnknownMemberId, _driver.Sync(ids[0], 2, group: "other").Result!.Error);
        Assert.Equal(ErrorCode.UnknownMemberId, _driver.Sync("nobody", 2).Result!.Error);
        Assert.Equal(ErrorCode.UnknownMemberId, _driver.Sync(ids[0], 2, instanceId: "nobody").Result!.Error);
        Assert.Equal(ErrorCode.IllegalGeneration, _driver.Sync(ids[0], 1).Result!.Error);
        Assert.Equal(ErrorCode.InconsistentGroupProtocol, _driver.Sync(ids[0], 2, protocolType: "connect").Result!.Error);
        Assert.Equal(ErrorCode.InconsistentGroupProtocol, _driver.Sync(ids[0], 2, protocolName: "sticky").Result!.Error);
        Assert.False(_driver.Sync(ids[1], 2, protocolType: "consumer", protocolName: "range").IsAnswered);
        _driver.Join();
        Assert.Equal(ErrorCode.RebalanceInProgress, _driver.Sync(ids[0], 2).Result!.Error);
    }

    [Fact]
    public void A_rebalance_sends_those_who_wait_for_the_assignment_back_to_join()
    {
        string[] ids = Completing();
        Call<SyncResult> follower = _driver.Sync(ids[1], 2);
        _driver.Join();
        Assert.Equal(ErrorCode.RebalanceInProgress, follower.Result!.Error);
    }

    [Fact]
    public void Members_that_never_sync_are_removed_after_the_rebalance_timeout()
    {
        string[] ids = Completing();
        Call<SyncResult> follower = _driver.Sync(ids[1], 2);
        for (int i = 0; i < 12; i++)
        {
            Assert.False(follower.IsAnswered);
            Assert.Equal(ErrorCode.None, _driver.Heartbeat(ids[0], 2));
            _driver.Sleep(5_000);
        }
        Assert.Equal(ErrorCode.RebalanceInProgress, follower.Result!.Error);
        Assert.Contains("sent no SyncGroup", _driver.Group().Rebalances.Entries.Last().Reason);
        Assert.Equal(ids[1], _driver.Group().LeaderId);
    }

    [Fact]
    public void Heartbeats_in_each_state()
    {
        Assert.Equal(ErrorCode.UnknownMemberId, _driver.Heartbeat("nobody", 1));
        string[] ids = Completing();
        Assert.Equal(ErrorCode.None, _driver.Heartbeat(ids[0], 2));
        Assert.Equal(ErrorCode.IllegalGeneration, _driver.Heartbeat(ids[0], 1));
        _driver.Sync(ids[0], 2, assignments: [(ids[0], "A")]);
        Assert.Equal(ErrorCode.None, _driver.Heartbeat(ids[0], 2));
        _driver.Join();
        Assert.Equal(ErrorCode.RebalanceInProgress, _driver.Heartbeat(ids[0], 2));
    }

    [Fact]
    public void Leaving_members_make_the_others_rebalance_and_the_last_one_leaves_an_empty_group_in_the_log()
    {
        string[] ids = _driver.StableGroup(2);
        Assert.Equal(ErrorCode.UnknownMemberId, _driver.Leave("nobody"));
        Assert.Equal(ErrorCode.UnknownMemberId, _driver.Leave(""));
        Assert.Equal(ErrorCode.None, _driver.Leave(ids[0], reason: "the consumer is being closed"));
        Assert.Equal(GroupState.PreparingRebalance, _driver.Group().State);
        Assert.Equal(ids[1], _driver.Group().LeaderId);
        Assert.Equal(ErrorCode.None, _driver.Leave(ids[1]));
        Assert.Equal(GroupState.Empty, _driver.Group().State);
        Assert.Equal(3, _driver.Group().Generation);
        Assert.Empty(((GroupMetadataRecord)_driver.Log.Last()).Value!.Members);
        Assert.Null(_driver.Group().ProtocolName);
        Assert.Equal("consumer", _driver.Group().ProtocolType);
    }

    [Fact]
    public void A_group_that_moves_away_answers_everybody()
    {
        string[] ids = Completing();
        Call<SyncResult> sync = _driver.Sync(ids[1], 2);
        _driver.Step((shard, _, effects) => shard.Abandon(ErrorCode.NotCoordinator, effects));
        Assert.Equal(ErrorCode.NotCoordinator, sync.Result!.Error);
    }
}
