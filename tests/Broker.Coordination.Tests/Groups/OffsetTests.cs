using Broker.Protocol;

namespace Broker.Coordination.Tests.Groups;

public sealed class OffsetTests
{
    private const long DayMs = 24 * 3_600_000L;
    private readonly ShardDriver _driver = new();

    [Fact]
    public void A_simple_consumer_commits_without_being_a_member()
    {
        Assert.Equal([ErrorCode.None], _driver.Commit("t", 7).Result!.Errors);
        Assert.Equal(7, _driver.Committed("t"));
        Assert.Equal(GroupState.Empty, _driver.Group().State);
        var record = (OffsetRecord)_driver.Log.Single();
        Assert.Equal(new CommittedOffset(7, 5, "", _driver.Now.UnixMs), record.Value);
    }

    [Fact]
    public void Nothing_is_visible_before_it_is_in_the_log()
    {
        _driver.HoldAppends = true;
        Call<CommitResult> call = _driver.Commit("t", 7);
        Assert.False(call.IsAnswered);
        Assert.Null(_driver.Committed("t"));
        Assert.True(_driver.Group().Offsets.IsUnstable(new TopicPartition("t", 0)));
        _driver.CompleteAppend();
        Assert.Equal(7, _driver.Committed("t"));
        Assert.False(_driver.Group().Offsets.IsUnstable(new TopicPartition("t", 0)));
    }

    [Theory]
    [InlineData(ErrorCode.NotLeaderOrFollower, ErrorCode.NotCoordinator)]
    [InlineData(ErrorCode.NotEnoughReplicasAfterAppend, ErrorCode.CoordinatorNotAvailable)]
    [InlineData(ErrorCode.MessageTooLarge, ErrorCode.InvalidCommitOffsetSize)]
    [InlineData(ErrorCode.RequestTimedOut, ErrorCode.RequestTimedOut)]
    public void A_failed_append_is_told_and_changes_nothing(ErrorCode append, ErrorCode answer)
    {
        _driver.Commit("t", 1);
        _driver.HoldAppends = true;
        Call<CommitResult> call = _driver.Commit("t", 7);
        _driver.CompleteAppend(append);
        Assert.Equal([answer], call.Result!.Errors);
        Assert.Equal(1, _driver.Committed("t"));
    }

    [Fact]
    public void Who_may_commit()
    {
        Assert.Equal([ErrorCode.IllegalGeneration], _driver.Commit("t", 1, "m", 3, group: "unknown").Result!.Errors);
        string[] ids = _driver.StableGroup(2, instance: i => i == 1 ? "host1" : null);
        Assert.Equal([ErrorCode.None], _driver.Commit("t", 1, ids[0], 2).Result!.Errors);
        Assert.Equal([ErrorCode.UnknownMemberId], _driver.Commit("t", 2).Result!.Errors);
        Assert.Equal([ErrorCode.UnknownMemberId], _driver.Commit("t", 2, "nobody", 2).Result!.Errors);
        Assert.Equal([ErrorCode.IllegalGeneration], _driver.Commit("t", 2, ids[0], 1).Result!.Errors);
        Assert.Equal([ErrorCode.FencedInstanceId], _driver.Commit("t", 2, ids[0], 2, "host1").Result!.Errors);
        Assert.Equal([ErrorCode.None], _driver.Commit("t", 2, ids[1], 2, "host1").Result!.Errors);
        _driver.Join(ids[0]);
        Assert.Equal([ErrorCode.None], _driver.Commit("t", 3, ids[1], 2, "host1").Result!.Errors);
        _driver.Join(ids[1], "host1");
        Assert.Equal(GroupState.CompletingRebalance, _driver.Group().State);
        Assert.Equal([ErrorCode.RebalanceInProgress], _driver.Commit("t", 4, ids[0], 3).Result!.Errors);
        Assert.Equal(3, _driver.Committed("t"));
    }

    [Fact]
    public void A_commit_keeps_the_session_alive()
    {
        string[] ids = _driver.StableGroup(1);
        for (int i = 0; i < 5; i++)
        {
            _driver.Sleep(9_000);
            Assert.Equal([ErrorCode.None], _driver.Commit("t", i, ids[0], 1).Result!.Errors);
        }
    }

    [Fact]
    public void Metadata_has_a_limit_per_partition()
    {
        Assert.Equal([ErrorCode.OffsetMetadataTooLarge], _driver.Commit("t", 1, metadata: new string('x', 4_097)).Result!.Errors);
        Assert.False(_driver.Has());
        Assert.Equal([ErrorCode.None], _driver.Commit("t", 1, metadata: new string('x', 4_096)).Result!.Errors);
    }

    [Fact]
    public void Offsets_of_an_empty_group_expire_a_retention_after_it_became_empty()
    {
        string[] ids = _driver.StableGroup(1);
        _driver.Commit("t", 1, ids[0], 1);
        for (int day = 0; day < 10; day++)
        {
            _driver.Step((shard, now, effects) => shard.ExpireOffsets(now, effects));
            Assert.Equal(1, _driver.Committed("t"));
            _driver.Heartbeat(ids[0], 1);
            _driver.Sleep(5_000);
        }
        _driver.Leave(ids[0]);
        _driver.Sleep((7 * DayMs) - 1);
        _driver.Step((shard, now, effects) => shard.ExpireOffsets(now, effects));
        Assert.Equal(1, _driver.Committed("t"));
        _driver.Sleep(1);
        _driver.Step((shard, now, effects) => shard.ExpireOffsets(now, effects));
        Assert.False(_driver.Has());
        Assert.Equal(
            [new OffsetRecord("g", new TopicPartition("t", 0), null), new GroupMetadataRecord("g", null)],
            _driver.Log.TakeLast(2));
    }

    [Fact]
    public void Offsets_of_a_simple_consumer_expire_a_retention_after_their_commit()
    {
        _driver.Commit("old", 1);
        _driver.Sleep(6 * DayMs);
        _driver.Commit("new", 1);
        _driver.Sleep(DayMs);
        _driver.Step((shard, now, effects) => shard.ExpireOffsets(now, effects));
        Assert.Null(_driver.Committed("old"));
        Assert.Equal(1, _driver.Committed("new"));
    }

    [Fact]
    public void An_expiry_the_client_asked_for_is_kept()
    {
        _driver.Commit("short", 1, expireTimestampMs: _driver.Now.UnixMs + 1_000);
        _driver.Commit("long", 1, expireTimestampMs: _driver.Now.UnixMs + (30 * DayMs));
        _driver.Sleep(1_000);
        _driver.Step((shard, now, effects) => shard.ExpireOffsets(now, effects));
        Assert.Null(_driver.Committed("short"));
        _driver.Sleep(29 * DayMs);
        _driver.Step((shard, now, effects) => shard.ExpireOffsets(now, effects));
        Assert.Equal(1, _driver.Committed("long"));
    }

    [Fact]
    public void A_stable_group_loses_offsets_of_topics_it_no_longer_subscribes_to()
    {
        _driver.Commit("other", 1);
        _driver.Commit("t", 1);
        string[] ids = _driver.StableGroup(1);
        for (int i = 0; i < 7 * 24; i++)
        {
            for (int j = 0; j < 400; j++)
            {
                _driver.Heartbeat(ids[0], 1);
                _driver.Sleep(9_000);
            }
        }
        _driver.Step((shard, now, effects) => shard.ExpireOffsets(now, effects));
        Assert.Null(_driver.Committed("other"));
        Assert.Equal(1, _driver.Committed("t"));
    }

    [Fact]
    public void Deleting_groups()
    {
        Assert.Equal(ErrorCode.GroupIdNotFound, _driver.DeleteGroup());
        string[] ids = _driver.StableGroup(1);
        _driver.Commit("t", 1, ids[0], 1);
        Assert.Equal(ErrorCode.NonEmptyGroup, _driver.DeleteGroup());
        _driver.Leave(ids[0]);
        _driver.HoldAppends = true;
        var call = new Call<Outcome>();
        _driver.Step((shard, now, effects) => shard.DeleteGroup("g", call, now, effects));
        Assert.False(call.IsAnswered);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, _driver.Join().Result!.Error);
        _driver.CompleteAppend(ErrorCode.NotEnoughReplicas);
        Assert.Equal(ErrorCode.CoordinatorNotAvailable, call.Result!.Error);
        Assert.Equal(1, _driver.Committed("t"));
        _driver.HoldAppends = false;
        Assert.Equal(ErrorCode.None, _driver.DeleteGroup());
        Assert.False(_driver.Has());
    }

    [Fact]
    public void A_commit_on_its_way_is_deleted_with_its_group()
    {
        _driver.HoldAppends = true;
        _driver.Commit("t", 1);
        var call = new Call<Outcome>();
        _driver.Step((shard, now, effects) => shard.DeleteGroup("g", call, now, effects));
        while (_driver.CompleteAppend())
        {
        }
        Assert.Equal(ErrorCode.None, call.Result!.Error);
        Assert.False(_driver.Has());
        Assert.Equal(new OffsetRecord("g", new TopicPartition("t", 0), null), _driver.Log.Last());
    }

    private DeleteOffsetsResult DeleteOffsets(params string[] topics)
    {
        var call = new Call<DeleteOffsetsResult>();
        TopicPartition[] partitions = [.. topics.Select(topic => new TopicPartition(topic, 0))];
        _driver.Step((shard, now, effects) => shard.DeleteOffsets("g", partitions, call, now, effects));
        return call.Result!;
    }

    [Fact]
    public void Deleting_offsets_spares_subscribed_topics()
    {
        Assert.Equal(ErrorCode.GroupIdNotFound, DeleteOffsets("t").Error);
        _driver.Commit("t", 1);
        _driver.Commit("other", 1);
        string[] ids = _driver.StableGroup(1);
        DeleteOffsetsResult result = DeleteOffsets("t", "other", "never");
        Assert.Equal(ErrorCode.None, result.Error);
        Assert.Equal([ErrorCode.GroupSubscribedToTopic, ErrorCode.None, ErrorCode.None], result.Errors);
        Assert.Null(_driver.Committed("other"));
        Assert.Equal(1, _driver.Committed("t"));
        _driver.Leave(ids[0]);
        Assert.Equal([ErrorCode.None], DeleteOffsets("t").Errors);
        Assert.False(_driver.Has());
    }

    [Fact]
    public void Offsets_of_other_kinds_of_groups_are_deleted_only_when_they_are_empty()
    {
        _driver.Commit("t", 1);
        _driver.Join(protocolType: "connect", protocols: "default");
        Assert.Equal(ErrorCode.NonEmptyGroup, DeleteOffsets("t").Error);
    }

    [Fact]
    public void Deleted_topics_take_their_offsets_along()
    {
        _driver.Commit("gone", 1, group: "a");
        _driver.Commit("gone", 1, group: "b");
        _driver.Commit("kept", 1, group: "b");
        _driver.Step((shard, _, effects) => shard.OnTopicsDeleted(new HashSet<string> { "gone" }, effects));
        Assert.False(_driver.Has("a"));
        Assert.Null(_driver.Committed("gone", "b"));
        Assert.Equal(1, _driver.Committed("kept", "b"));
    }

    [Fact]
    public void Transactional_offsets_count_from_the_commit_on_unless_a_later_commit_was_written_meanwhile()
    {
        var offsets = new GroupOffsets();
        TopicPartition one = new("one", 0), two = new("two", 0);
        offsets.ApplyTransactional(9, one, new CommittedOffset(10, -1, "", 0));
        offsets.ApplyTransactional(9, two, new CommittedOffset(20, -1, "", 0));
        Assert.True(offsets.IsUnstable(one));
        Assert.Null(offsets.Find(one));
        offsets.Apply(two, new CommittedOffset(99, -1, "", 0));
        Assert.True(offsets.EndTransaction(9, isCommit: true));
        Assert.Equal(10, offsets.Find(one)!.Offset);
        Assert.Equal(99, offsets.Find(two)!.Offset);
        offsets.ApplyTransactional(9, one, new CommittedOffset(30, -1, "", 0));
        Assert.True(offsets.EndTransaction(9, isCommit: false));
        Assert.Equal(10, offsets.Find(one)!.Offset);
    }
}
