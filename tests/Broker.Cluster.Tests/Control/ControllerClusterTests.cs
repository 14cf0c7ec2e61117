using Broker.Protocol;
using Broker.Protocol.Messages;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using static Broker.Cluster.Tests.SingleBroker;

namespace Broker.Cluster.Tests;

/// <summary>A controller with other brokers, which are nodes in the tree and a record of what they are sent.</summary>
public sealed class ControllerClusterTests : IAsyncLifetime
{
    private ControlledCluster _cluster = null!;

    private EmbeddedTree Tree => _cluster.Tree;

    private ClusterController Controller => _cluster.Controller;

    private RecordingRemote Remote => _cluster.Remote;

    public async Task InitializeAsync()
    {
        _cluster = await ControlledCluster.StartAsync();
        await _cluster.CreateAsync("t", [7, 8, 9], [8, 9, 7]);
    }

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public void A_new_topic_is_told_to_those_who_host_it_and_shown_to_all()
    {
        Assert.Equal(
        [
            "live 8 9", "8 UpdateMetadata", "9 UpdateMetadata", "8 UpdateMetadata", "9 UpdateMetadata", "8 LeaderAndIsr t-0:7@0[7,8,9] t-1:8@0[8,9,7]",
            "8 UpdateMetadata t-0:7[7,8,9] t-1:8[8,9,7]", "9 LeaderAndIsr t-0:7@0[7,8,9] t-1:8@0[8,9,7]", "9 UpdateMetadata t-0:7[7,8,9] t-1:8[8,9,7]",
        ], Remote.TakeCalls());
        Assert.Equal([7, 8, 9], _cluster.Store.Current.Brokers.Select(b => b.Id));
    }

    [Fact]
    public async Task What_was_in_a_directory_that_failed_is_led_by_others_until_the_broker_comes_again()
    {
        Remote.AnswerAll();
        Remote.TakeCalls();
        Remote.Offline.Add((8, "t", 1));
        await Tree.CreateAsync("/log_dir_event_notification/log_dir_event_", """{"version":1,"broker":8,"event":1}"""u8.ToArray(), CreateMode.PersistentSequential);
        await Tree.CreateAsync("/log_dir_event_notification/log_dir_event_", "nonsense"u8.ToArray(), CreateMode.PersistentSequential);
        await _cluster.SettleAsync();
        Assert.Equal(["8 LeaderAndIsr t-0:7@0[7,8,9] t-1:8@0[8,9,7]"], Remote.TakeCalls());
        Assert.Empty(await Tree.ChildrenAsync("/log_dir_event_notification"));

        Remote.AnswerAll();
        await _cluster.SettleAsync();
        PartitionImage partition = _cluster.Partition("t", 1);
        Assert.Equal((9, 1), (partition.Leader, partition.LeaderEpoch));
        Assert.Equal([9, 7], partition.Isr);
        Assert.Equal([8], partition.OfflineReplicas);
        Assert.Equal([7, 8, 9], _cluster.Partition("t", 0).Isr);

        // The same answer again is no news, and an election does not bring it back.
        Remote.AnswerAll();
        ElectLeaderResult refused = Assert.Single(await Controller.ElectLeadersAsync([new TopicPartition("t", 1)], unclean: false));
        Assert.Equal(ErrorCode.PreferredLeaderNotAvailable, refused.Error);
        Assert.Equal(1, _cluster.Partition("t", 1).LeaderEpoch);

        Remote.Offline.Clear();
        await _cluster.RemoveBrokerAsync(8);
        await _cluster.SettleAsync();
        await _cluster.AddBrokerAsync(8);
        await _cluster.SettleAsync();
        Assert.Empty(_cluster.Partition("t", 1).OfflineReplicas);
    }

    [Fact]
    public async Task A_broker_that_dies_loses_its_leaderships_and_its_place_in_the_isr()
    {
        Remote.TakeCalls();
        await _cluster.RemoveBrokerAsync(8);
        await _cluster.SettleAsync();

        Assert.Equal(
            ["live 9", "9 LeaderAndIsr t-0:7@1[7,9] t-1:9@1[9,7]", "9 UpdateMetadata t-0:7[7,9] t-1:9[9,7]", "9 UpdateMetadata"],
            Remote.TakeCalls());
        Assert.Equal([8], _cluster.Partition("t", 0).OfflineReplicas);

        await _cluster.AddBrokerAsync(8);
        await _cluster.SettleAsync();

        List<string> calls = Remote.TakeCalls();
        Assert.Equal(
            ["live 8 9", "8 UpdateMetadata", "8 LeaderAndIsr t-0:7@1[7,9] t-1:9@1[9,7]", "8 UpdateMetadata t-0:7[7,9] t-1:9[9,7]", "9 UpdateMetadata t-0:7[7,9] t-1:9[9,7]"],
            calls.Where(c => !c.StartsWith("9 LeaderAndIsr", StringComparison.Ordinal)));
        Assert.Empty(_cluster.Partition("t", 0).OfflineReplicas);
    }

    [Fact]
    public async Task A_leader_changes_the_isr_on_the_state_it_knows_and_nobody_else_does()
    {
        Assert.Equal(ErrorCode.None, await _cluster.AlterAsync("t", 1, leader: 8, isr: [8, 9], epoch: 0));
        PartitionImage changed = _cluster.Partition("t", 1);
        Assert.Equal(("8 9", 1, 0), (string.Join(' ', changed.Isr), changed.PartitionEpoch, changed.LeaderEpoch));
        Assert.Equal(ErrorCode.InvalidUpdateVersion, await _cluster.AlterAsync("t", 1, leader: 8, isr: [8, 9, 7], epoch: 0));
        Assert.Equal(ErrorCode.InvalidRequest, await _cluster.AlterAsync("t", 1, leader: 9, isr: [9], epoch: 1));
        Assert.Equal(ErrorCode.InvalidRequest, await _cluster.AlterAsync("t", 1, leader: 8, isr: [8, 12], epoch: 1));
        Assert.Equal(ErrorCode.NotController, await _cluster.AlterAsync("t", 1, leader: 8, isr: [8], epoch: 1, leaderEpoch: 3));
        Assert.Equal(ErrorCode.IneligibleReplica, await _cluster.AlterAsync("t", 1, leader: 8, isr: [8, 7], epoch: 1, memberEpoch: 1));
    }

    [Fact]
    public async Task A_broker_that_stops_is_relieved_and_does_not_come_back_into_the_isr()
    {
        Assert.Empty(await Controller.ControlledShutdownAsync(8, -1));
        Assert.Equal(["7", "9"], _cluster.Store.Current.Topic("t")!.Partitions.Select(p => $"{p.Leader}"));
        Assert.DoesNotContain(8, _cluster.Store.Current.Topic("t")!.Partitions.SelectMany(p => p.Isr));
        Assert.Equal(ErrorCode.IneligibleReplica, await _cluster.AlterAsync("t", 0, leader: 7, isr: [7, 8, 9], epoch: 1, leaderEpoch: 1));
    }

    [Fact]
    public async Task Leadership_goes_back_to_a_broker_that_came_back_once_it_is_in_sync()
    {
        await _cluster.RemoveBrokerAsync(8);
        await _cluster.SettleAsync();
        await _cluster.AddBrokerAsync(8);
        await _cluster.SettleAsync();
        _cluster.Time.Advance(TimeSpan.FromMinutes(6));
        await _cluster.SettleAsync();
        Assert.Equal(9, _cluster.Partition("t", 1).Leader);

        PartitionImage partition = _cluster.Partition("t", 1);
        Assert.Equal(ErrorCode.None, await _cluster.AlterAsync("t", 1, leader: 9, isr: [9, 7, 8], epoch: partition.PartitionEpoch, leaderEpoch: partition.LeaderEpoch));
        _cluster.Time.Advance(TimeSpan.FromMinutes(6));
        await _cluster.SettleAsync();
        Assert.Equal(8, _cluster.Partition("t", 1).Leader);
    }

    [Fact]
    public async Task A_topic_is_deleted_when_every_broker_has_let_go()
    {
        Remote.TakeCalls();
        await Tree.CreateAsync("/admin/delete_topics/t", default);
        await _cluster.SettleAsync();

        Assert.Null(_cluster.Store.Current.Topic("t"));
        Assert.Contains("8 StopReplica t-0 delete t-1 delete", Remote.Calls);
        Assert.NotNull(await Tree.ExistsAsync("/brokers/topics/t"));

        Remote.AnswerAll();
        await _cluster.SettleAsync();
        Assert.Null(await Tree.ExistsAsync("/brokers/topics/t"));
        Assert.Null(await Tree.ExistsAsync("/admin/delete_topics/t"));
    }

    [Fact]
    public async Task Topics_and_partitions_that_tools_write_are_taken_up()
    {
        await Tree.CreateAsync("/brokers/topics/tool", Trees.Bytes("""{"version":1,"partitions":{"0":[9,8]}}"""));
        await _cluster.SettleAsync();
        TopicImage topic = _cluster.Store.Current.Topic("tool")!;
        Assert.Equal(9, topic.Partitions[0].Leader);

        await Tree.SetAsync("/brokers/topics/tool", Trees.Bytes("""{"version":2,"partitions":{"0":[9,8],"1":[7]},"adding_replicas":{},"removing_replicas":{}}"""));
        await _cluster.SettleAsync();
        Assert.Equal((2, topic.Id), (_cluster.Store.Current.Topic("tool")!.Partitions.Count, _cluster.Store.Current.Topic("tool")!.Id));
        Assert.Contains(Uuids.ToText(topic.Id), await _cluster.NodeAsync("/brokers/topics/tool"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_finds_the_office_taken_follows_and_who_loses_it_changes_nothing_more()
    {
        await Tree.DeleteAsync("/controller");
        await _cluster.SettleAsync();
        Assert.True(Controller.IsActive);
        Assert.Equal("2", await _cluster.NodeAsync("/controller_epoch"));

        // Another controller was elected and this one has not heard of it.
        await Tree.SetAsync("/controller_epoch", Trees.Bytes("9"));
        await Assert.ThrowsAsync<CoordinationException>(() => Controller.CreateTopicsAsync([Topic("late", 1)], validateOnly: false));
        Assert.Null(await Tree.ExistsAsync("/brokers/topics/late"));
    }

    [Fact]
    public async Task Who_lost_the_office_does_not_say_that_a_replica_stays_out_of_the_isr()
    {
        await Tree.SetAsync("/controller_epoch", Trees.Bytes("9"));

        // A leader that hears so forgets the replica, and the other controller may have let it in.
        await Assert.ThrowsAsync<CoordinationException>(() => _cluster.AlterAsync("t", 1, leader: 8, isr: [8, 7], epoch: 0, memberEpoch: 1));
    }

    [Fact]
    public async Task Who_joins_obeys_no_controller_whose_office_was_over_before()
    {
        await using ControlledCluster cluster = await ControlledCluster.StartAsync(office: 8);
        Assert.Equal(ErrorCode.StaleControllerEpoch, (await cluster.Controller.LeaderAndIsrAsync(new LeaderAndIsrRequest { ControllerId = 9, ControllerEpoch = 0, BrokerEpoch = -1 })).ErrorCode);
        Assert.Equal(ErrorCode.None, (await cluster.Controller.LeaderAndIsrAsync(new LeaderAndIsrRequest { ControllerId = 8, ControllerEpoch = 1, BrokerEpoch = -1 })).ErrorCode);
    }

    [Fact]
    public async Task A_later_controller_is_obeyed_and_an_earlier_one_is_not()
    {
        var picture = new UpdateMetadataRequest { ControllerId = 8, ControllerEpoch = 5, LiveBrokers = [new() { Id = 8, Endpoints = [new() { Host = "h8", Port = 1, Listener = "PLAINTEXT" }] }] };
        Assert.Equal(ErrorCode.None, (await Controller.UpdateMetadataAsync(picture)).ErrorCode);
        Assert.False(Controller.IsActive);
        Assert.Equal((8, "h8"), (_cluster.Store.Current.ControllerId, _cluster.Store.Current.Brokers[0].Endpoint("PLAINTEXT")!.Host));
        Assert.Equal(ErrorCode.NotController, (await Controller.CreateTopicsAsync([Topic("x", 1)], validateOnly: false))[0].Error);

        picture.ControllerEpoch = 4;
        Assert.Equal(ErrorCode.StaleControllerEpoch, (await Controller.UpdateMetadataAsync(picture)).ErrorCode);
        Assert.Equal(ErrorCode.StaleBrokerEpoch, (await Controller.LeaderAndIsrAsync(new LeaderAndIsrRequest { ControllerId = 8, ControllerEpoch = 5, BrokerEpoch = 0 })).ErrorCode);
    }

    [Fact]
    public async Task A_picture_that_was_overtaken_changes_nothing()
    {
        var id = Guid.NewGuid();
        Assert.Equal("8, 9", await IsrAfterAsync(version: 5, [8, 9]));
        Assert.Equal("8, 9", await IsrAfterAsync(version: 4, [8]));
        Assert.Equal("9", await IsrAfterAsync(version: 6, [9]));

        // Another topic of the name begins anew.
        id = Guid.NewGuid();
        Assert.Equal("8", await IsrAfterAsync(version: 0, [8]));

        async Task<string> IsrAfterAsync(int version, int[] isr)
        {
            var picture = new UpdateMetadataRequest
            {
                ControllerId = 8, ControllerEpoch = 5, LiveBrokers = [new() { Id = 8, Endpoints = [new() { Host = "h8", Port = 1, Listener = "PLAINTEXT" }] }],
                TopicStates = [new() { TopicName = "told", TopicId = id, PartitionStates = [new() { PartitionIndex = 0, Leader = 8, LeaderEpoch = 3, ZkVersion = version, Replicas = [8, 9], Isr = isr }] }],
            };
            Assert.Equal(ErrorCode.None, (await Controller.UpdateMetadataAsync(picture)).ErrorCode);
            return string.Join(", ", _cluster.Store.Current.Topic("told")!.Partitions[0].Isr);
        }
    }

    [Fact]
    public async Task A_feature_goes_up_only_when_every_live_broker_can_run_with_it()
    {
        FeatureUpdate up = new(ClusterFeatures.TransactionVersion, 2, AllowsDowngrade: false), down = up with { Level = 0, AllowsDowngrade = true };
        Assert.Equal(ErrorCode.None, await UpdateAsync(up));
        Assert.Equal(ErrorCode.None, await UpdateAsync(down));
        // As Kafka 3.9 registers.
        await Tree.CreateAsync("/brokers/ids/10", """{"version":5,"endpoints":["PLAINTEXT://old:9092"],"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"features":{}}"""u8.ToArray());
        await _cluster.SettleAsync();

        FeatureUpdateResult refused = (await Controller.UpdateFeaturesAsync([up], allOrNone: true, validateOnly: false))[0];
        Assert.Equal(ErrorCode.InvalidUpdateVersion, refused.Error);
        Assert.Equal("Broker 10 does not support level 2 of transaction.version; every live broker has to", refused.Message);
        Assert.Empty(_cluster.Store.Current.FeatureLevels);

        await _cluster.RemoveBrokerAsync(10);
        await _cluster.SettleAsync();
        Assert.Equal(ErrorCode.InvalidUpdateVersion, await UpdateAsync(up with { AllowsDowngrade = true }));
        Assert.Equal(ErrorCode.None, await UpdateAsync(up));
        Assert.Equal(2, _cluster.Store.Current.FeatureLevels[ClusterFeatures.TransactionVersion]);

        async Task<ErrorCode> UpdateAsync(FeatureUpdate update) => (await Controller.UpdateFeaturesAsync([update], allOrNone: true, validateOnly: false))[0].Error;
    }
}
