using Broker.Protocol;
using Broker.Protocol.Messages;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using static Broker.Cluster.Tests.SingleBroker;

namespace Broker.Cluster.Tests;

/// <summary>A controller with other brokers, which are nodes in the tree and a record of what they are sent.</summary>
public sealed class ControllerClusterTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly MetadataStore _store = new();
    private readonly RecordingRemote _remote = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private EmbeddedTree _tree = null!;
    private ClusterController _controller = null!;

    public async Task InitializeAsync()
    {
        _tree = _directory.Open(_time);
        await ClusterController.ResolveClusterIdAsync(_tree, null);
        foreach (string path in (string[])["/brokers", "/brokers/ids"])
        {
            await _tree.CreateAsync(path, default);
        }

        await AddBrokerAsync(8);
        await AddBrokerAsync(9);
        var links = new ClusterLinks
        {
            Remote = _remote,
            OpenTree = _ => throw new InvalidOperationException("no session expires here"),
            InterBrokerListener = "PLAINTEXT",
            Balance = new BalancePolicy(TimeSpan.FromMinutes(5), 10),
            RegistrationPatience = TimeSpan.FromSeconds(1),
        };
        _controller = new ClusterController(_tree, _store, new RecordingHost(_store), Policy, _time, NullLogger<ClusterController>.Instance, links);
        await _controller.StartAsync(new BrokerRegistration(Id, null, Endpoints));
        await _controller.CreateTopicsAsync([Topic("t", assignment: new() { [0] = [7, 8, 9], [1] = [8, 9, 7] })], validateOnly: false);
    }

    public async Task DisposeAsync()
    {
        await _controller.DisposeAsync();
        await _tree.DisposeAsync();
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void A_new_topic_is_told_to_those_who_host_it_and_shown_to_all()
    {
        Assert.Equal(
        [
            "live 8 9", "8 UpdateMetadata", "9 UpdateMetadata", "8 UpdateMetadata", "9 UpdateMetadata", "8 LeaderAndIsr t-0:7@0[7,8,9] t-1:8@0[8,9,7]",
            "8 UpdateMetadata t-0:7[7,8,9] t-1:8[8,9,7]", "9 LeaderAndIsr t-0:7@0[7,8,9] t-1:8@0[8,9,7]", "9 UpdateMetadata t-0:7[7,8,9] t-1:8[8,9,7]",
        ], _remote.TakeCalls());
        Assert.Equal([7, 8, 9], _store.Current.Brokers.Select(b => b.Id));
    }

    [Fact]
    public async Task What_was_in_a_directory_that_failed_is_led_by_others_until_the_broker_comes_again()
    {
        _remote.AnswerAll();
        _remote.TakeCalls();
        _remote.Offline.Add((8, "t", 1));
        await _tree.CreateAsync("/log_dir_event_notification/log_dir_event_", """{"version":1,"broker":8,"event":1}"""u8.ToArray(), CreateMode.PersistentSequential);
        await _tree.CreateAsync("/log_dir_event_notification/log_dir_event_", "nonsense"u8.ToArray(), CreateMode.PersistentSequential);
        await SettleAsync();
        Assert.Equal(["8 LeaderAndIsr t-0:7@0[7,8,9] t-1:8@0[8,9,7]"], _remote.TakeCalls());
        Assert.Empty(await _tree.ChildrenAsync("/log_dir_event_notification"));

        _remote.AnswerAll();
        await SettleAsync();
        PartitionImage partition = _store.Current.Topic("t")!.Partitions[1];
        Assert.Equal((9, 1), (partition.Leader, partition.LeaderEpoch));
        Assert.Equal([9, 7], partition.Isr);
        Assert.Equal([8], partition.OfflineReplicas);
        Assert.Equal([7, 8, 9], _store.Current.Topic("t")!.Partitions[0].Isr);

        // The same answer again is no news, and an election does not bring it back.
        _remote.AnswerAll();
        ElectLeaderResult refused = Assert.Single(await _controller.ElectLeadersAsync([new TopicPartition("t", 1)], unclean: false));
        Assert.Equal(ErrorCode.PreferredLeaderNotAvailable, refused.Error);
        Assert.Equal(1, _store.Current.Topic("t")!.Partitions[1].LeaderEpoch);

        _remote.Offline.Clear();
        await _tree.DeleteAsync("/brokers/ids/8");
        await SettleAsync();
        await AddBrokerAsync(8);
        await SettleAsync();
        Assert.Empty(_store.Current.Topic("t")!.Partitions[1].OfflineReplicas);
    }

    [Fact]
    public async Task A_broker_that_dies_loses_its_leaderships_and_its_place_in_the_isr()
    {
        _remote.TakeCalls();
        await _tree.DeleteAsync("/brokers/ids/8");
        await SettleAsync();

        Assert.Equal(
            ["live 9", "9 LeaderAndIsr t-0:7@1[7,9] t-1:9@1[9,7]", "9 UpdateMetadata t-0:7[7,9] t-1:9[9,7]", "9 UpdateMetadata"],
            _remote.TakeCalls());
        Assert.Equal([8], _store.Current.Topic("t")!.Partitions[0].OfflineReplicas);

        await AddBrokerAsync(8);
        await SettleAsync();

        List<string> calls = _remote.TakeCalls();
        Assert.Equal(
            ["live 8 9", "8 UpdateMetadata", "8 LeaderAndIsr t-0:7@1[7,9] t-1:9@1[9,7]", "8 UpdateMetadata t-0:7[7,9] t-1:9[9,7]", "9 UpdateMetadata t-0:7[7,9] t-1:9[9,7]"],
            calls.Where(c => !c.StartsWith("9 LeaderAndIsr", StringComparison.Ordinal)));
        Assert.Empty(_store.Current.Topic("t")!.Partitions[0].OfflineReplicas);
    }

    [Fact]
    public async Task A_leader_changes_the_isr_on_the_state_it_knows_and_nobody_else_does()
    {
        TopicImage topic = _store.Current.Topic("t")!;
        Assert.Equal(ErrorCode.None, await AlterAsync(topic, 1, leader: 8, isr: [8, 9], epoch: 0));
        PartitionImage changed = _store.Current.Topic("t")!.Partitions[1];
        Assert.Equal(("8 9", 1, 0), (string.Join(' ', changed.Isr), changed.PartitionEpoch, changed.LeaderEpoch));
        Assert.Equal(ErrorCode.InvalidUpdateVersion, await AlterAsync(topic, 1, leader: 8, isr: [8, 9, 7], epoch: 0));
        Assert.Equal(ErrorCode.InvalidRequest, await AlterAsync(topic, 1, leader: 9, isr: [9], epoch: 1));
        Assert.Equal(ErrorCode.InvalidRequest, await AlterAsync(topic, 1, leader: 8, isr: [8, 12], epoch: 1));
        Assert.Equal(ErrorCode.NotController, await AlterAsync(topic, 1, leader: 8, isr: [8], epoch: 1, leaderEpoch: 3));
        Assert.Equal(ErrorCode.IneligibleReplica, await AlterAsync(topic, 1, leader: 8, isr: [8, 7], epoch: 1, memberEpoch: 1));
    }

    [Fact]
    public async Task A_broker_that_stops_is_relieved_and_does_not_come_back_into_the_isr()
    {
        TopicImage topic = _store.Current.Topic("t")!;
        Assert.Empty(await _controller.ControlledShutdownAsync(8, -1));
        Assert.Equal(["7", "9"], _store.Current.Topic("t")!.Partitions.Select(p => $"{p.Leader}"));
        Assert.DoesNotContain(8, _store.Current.Topic("t")!.Partitions.SelectMany(p => p.Isr));
        Assert.Equal(ErrorCode.IneligibleReplica, await AlterAsync(topic, 0, leader: 7, isr: [7, 8, 9], epoch: 1, leaderEpoch: 1));
    }

    [Fact]
    public async Task Leadership_goes_back_to_a_broker_that_came_back_once_it_is_in_sync()
    {
        await _tree.DeleteAsync("/brokers/ids/8");
        await SettleAsync();
        await AddBrokerAsync(8);
        await SettleAsync();
        _time.Advance(TimeSpan.FromMinutes(6));
        await SettleAsync();
        Assert.Equal(9, _store.Current.Topic("t")!.Partitions[1].Leader);

        PartitionImage partition = _store.Current.Topic("t")!.Partitions[1];
        Assert.Equal(ErrorCode.None, await AlterAsync(_store.Current.Topic("t")!, 1, leader: 9, isr: [9, 7, 8], epoch: partition.PartitionEpoch, leaderEpoch: partition.LeaderEpoch));
        _time.Advance(TimeSpan.FromMinutes(6));
        await SettleAsync();
        Assert.Equal(8, _store.Current.Topic("t")!.Partitions[1].Leader);
    }

    [Fact]
    public async Task A_topic_is_deleted_when_every_broker_has_let_go()
    {
        _remote.TakeCalls();
        await _tree.CreateAsync("/admin/delete_topics/t", default);
        await SettleAsync();

        Assert.Null(_store.Current.Topic("t"));
        Assert.Contains("8 StopReplica t-0 delete t-1 delete", _remote.Calls);
        Assert.NotNull(await _tree.ExistsAsync("/brokers/topics/t"));

        _remote.AnswerAll();
        await SettleAsync();
        Assert.Null(await _tree.ExistsAsync("/brokers/topics/t"));
        Assert.Null(await _tree.ExistsAsync("/admin/delete_topics/t"));
    }

    [Fact]
    public async Task Topics_and_partitions_that_tools_write_are_taken_up()
    {
        await _tree.CreateAsync("/brokers/topics/tool", Trees.Bytes("""{"version":1,"partitions":{"0":[9,8]}}"""));
        await SettleAsync();
        TopicImage topic = _store.Current.Topic("tool")!;
        Assert.Equal(9, topic.Partitions[0].Leader);

        await _tree.SetAsync("/brokers/topics/tool", Trees.Bytes("""{"version":2,"partitions":{"0":[9,8],"1":[7]},"adding_replicas":{},"removing_replicas":{}}"""));
        await SettleAsync();
        Assert.Equal((2, topic.Id), (_store.Current.Topic("tool")!.Partitions.Count, _store.Current.Topic("tool")!.Id));
        Assert.Contains(Uuids.ToText(topic.Id), Trees.Text((await _tree.GetAsync("/brokers/topics/tool")).Data), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_finds_the_office_taken_follows_and_who_loses_it_changes_nothing_more()
    {
        await _tree.DeleteAsync("/controller");
        await SettleAsync();
        Assert.True(_controller.IsActive);
        Assert.Equal("2", Trees.Text((await _tree.GetAsync("/controller_epoch")).Data));

        // Another controller was elected and this one has not heard of it.
        await _tree.SetAsync("/controller_epoch", Trees.Bytes("9"));
        await Assert.ThrowsAsync<CoordinationException>(() => _controller.CreateTopicsAsync([Topic("late", 1)], validateOnly: false));
        Assert.Null(await _tree.ExistsAsync("/brokers/topics/late"));
    }

    [Fact]
    public async Task Who_lost_the_office_does_not_say_that_a_replica_stays_out_of_the_isr()
    {
        await _tree.SetAsync("/controller_epoch", Trees.Bytes("9"));

        // A leader that hears so forgets the replica, and the other controller may have let it in.
        await Assert.ThrowsAsync<CoordinationException>(() => AlterAsync(_store.Current.Topic("t")!, 1, leader: 8, isr: [8, 7], epoch: 0, memberEpoch: 1));
    }

    [Fact]
    public async Task A_later_controller_is_obeyed_and_an_earlier_one_is_not()
    {
        var picture = new UpdateMetadataRequest { ControllerId = 8, ControllerEpoch = 5, LiveBrokers = [new() { Id = 8, Endpoints = [new() { Host = "h8", Port = 1, Listener = "PLAINTEXT" }] }] };
        Assert.Equal(ErrorCode.None, (await _controller.UpdateMetadataAsync(picture)).ErrorCode);
        Assert.False(_controller.IsActive);
        Assert.Equal((8, "h8"), (_store.Current.ControllerId, _store.Current.Brokers[0].Endpoint("PLAINTEXT")!.Host));
        Assert.Equal(ErrorCode.NotController, (await _controller.CreateTopicsAsync([Topic("x", 1)], validateOnly: false))[0].Error);

        picture.ControllerEpoch = 4;
        Assert.Equal(ErrorCode.StaleControllerEpoch, (await _controller.UpdateMetadataAsync(picture)).ErrorCode);
        Assert.Equal(ErrorCode.StaleBrokerEpoch, (await _controller.LeaderAndIsrAsync(new LeaderAndIsrRequest { ControllerId = 8, ControllerEpoch = 5, BrokerEpoch = 0 })).ErrorCode);
    }

    [Fact]
    public async Task A_feature_goes_up_only_when_every_live_broker_can_run_with_it()
    {
        FeatureUpdate up = new(ClusterFeatures.TransactionVersion, 2, AllowsDowngrade: false), down = up with { Level = 0, AllowsDowngrade = true };
        Assert.Equal(ErrorCode.None, await UpdateAsync(up));
        Assert.Equal(ErrorCode.None, await UpdateAsync(down));
        // As Kafka 3.9 registers.
        await _tree.CreateAsync("/brokers/ids/10", """{"version":5,"endpoints":["PLAINTEXT://old:9092"],"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"features":{}}"""u8.ToArray());
        await SettleAsync();

        FeatureUpdateResult refused = (await _controller.UpdateFeaturesAsync([up], allOrNone: true, validateOnly: false))[0];
        Assert.Equal(ErrorCode.InvalidUpdateVersion, refused.Error);
        Assert.Equal("Broker 10 does not support level 2 of transaction.version; every live broker has to", refused.Message);
        Assert.Empty(_store.Current.FeatureLevels);

        await _tree.DeleteAsync("/brokers/ids/10");
        await SettleAsync();
        Assert.Equal(ErrorCode.InvalidUpdateVersion, await UpdateAsync(up with { AllowsDowngrade = true }));
        Assert.Equal(ErrorCode.None, await UpdateAsync(up));
        Assert.Equal(2, _store.Current.FeatureLevels[ClusterFeatures.TransactionVersion]);

        async Task<ErrorCode> UpdateAsync(FeatureUpdate update) => (await _controller.UpdateFeaturesAsync([update], allOrNone: true, validateOnly: false))[0].Error;
    }

    /// <summary>Until what the watches queued is done: whatever it queues itself comes before a second question.</summary>
    private async Task SettleAsync()
    {
        for (int i = 0; i < 5; i++)
        {
            await _controller.AlterPartitionAsync(new AlterPartitionRequest { BrokerId = -1 });
        }
    }

    private async Task<ErrorCode> AlterAsync(TopicImage topic, int partition, int leader, int[] isr, int epoch, int leaderEpoch = 0, long memberEpoch = -1)
    {
        AlterPartitionResponse answer = await _controller.AlterPartitionAsync(new AlterPartitionRequest
        {
            BrokerId = leader,
            BrokerEpoch = -1,
            Topics =
            [
                new()
                {
                    TopicId = topic.Id,
                    Partitions =
                    [
                        new()
                        {
                            PartitionIndex = partition,
                            LeaderEpoch = leaderEpoch,
                            PartitionEpoch = epoch,
                            NewIsrWithEpochs = isr.Select(b => new AlterPartitionRequest.BrokerState { BrokerId = b, BrokerEpoch = memberEpoch }).ToArray(),
                        },
                    ],
                },
            ],
        });
        return answer.Topics.ToArray()[0].Partitions.ToArray()[0].ErrorCode;
    }

    private async Task AddBrokerAsync(int id)
    {
        var endpoints = new Dictionary<string, EndpointImage> { ["PLAINTEXT"] = new($"host{id}", 9092, "PLAINTEXT") };
        await _tree.CreateAsync($"/brokers/ids/{id}", BrokerZnode.Encode(endpoints, null, 0));
    }
}
