using Broker.Protocol;

namespace Broker.Cluster.Tests;

/// <summary>Brokers that refuse connections while they are registered.</summary>
public sealed class ControllerRefusalTests
{
    private static readonly ControllerPolicy Unclean = SingleBroker.Policy with { AllowsUncleanElection = _ => true };

    [Fact]
    public async Task A_broker_that_refuses_leads_nothing_is_in_no_isr_and_comes_into_none()
    {
        await using ControlledCluster cluster = await ControlledCluster.StartAsync();
        await cluster.CreateAsync("t", [8, 7, 9], [7, 8, 9]);
        cluster.Remote.TakeCalls();
        Assert.Equal([8, 9], cluster.Watch.Watched);

        await cluster.RefuseAsync(8);
        Assert.NotNull(await cluster.Tree.ExistsAsync("/brokers/ids/8"));
        Assert.Equal(("[8,7,9] 7 (7,9)", "[7,8,9] 7 (7,9)"), (cluster.State("t", 0), cluster.State("t", 1)));
        Assert.Equal(
            ["live 9", "9 LeaderAndIsr t-0:7@1[7,9] t-1:7@1[7,9]", "9 UpdateMetadata t-0:7[7,9] t-1:7[7,9]", "9 UpdateMetadata"], cluster.Remote.TakeCalls());
        Assert.Equal([7, 9], cluster.Store.Current.Brokers.Select(b => b.Id));
        Assert.Equal([8], cluster.Partition("t", 0).OfflineReplicas);
        Assert.Equal(ErrorCode.IneligibleReplica, await cluster.AskIsrAsync("t", 1, 7, 9, 8));
        ElectLeaderResult refused = Assert.Single(await cluster.Controller.ElectLeadersAsync([new TopicPartition("t", 0)], unclean: false));
        Assert.Equal(ErrorCode.PreferredLeaderNotAvailable, refused.Error);
        CreateTopicResult unplaced = Assert.Single(await cluster.Controller.CreateTopicsAsync([SingleBroker.Topic("u", assignment: new() { [0] = [8, 9] })], validateOnly: false));
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, unplaced.Error);
    }

    [Fact]
    public async Task One_that_accepts_again_is_told_everything_and_has_to_catch_up()
    {
        await using ControlledCluster cluster = await ControlledCluster.StartAsync();
        await cluster.CreateAsync("t", [8, 7, 9]);
        await cluster.RefuseAsync(8);
        cluster.Remote.TakeCalls();

        await cluster.RefuseAsync(8, refuses: false);
        Assert.Equal(
            ["live 8 9", "8 UpdateMetadata", "8 LeaderAndIsr t-0:7@1[7,9]", "8 UpdateMetadata t-0:7[7,9]"],
            cluster.Remote.TakeCalls().Where(c => !c.StartsWith("9 ", StringComparison.Ordinal)));
        Assert.Equal("[8,7,9] 7 (7,9)", cluster.State("t", 0));
        Assert.Empty(cluster.Partition("t", 0).OfflineReplicas);
        await cluster.InSyncAsync("t", 0, 7, 9, 8);
    }

    [Fact]
    public async Task One_that_registers_anew_came_back_whatever_was_held_of_it()
    {
        await using ControlledCluster cluster = await ControlledCluster.StartAsync();
        await cluster.CreateAsync("t", [8, 7, 9]);
        await cluster.RefuseAsync(8);
        await cluster.RemoveBrokerAsync(8);
        await cluster.SettleAsync();
        Assert.Equal([7, 9], cluster.Store.Current.Brokers.Select(b => b.Id));
        cluster.Remote.TakeCalls();

        await cluster.AddBrokerAsync(8);
        await cluster.SettleAsync();
        Assert.Contains("8 LeaderAndIsr t-0:7@1[7,9]", cluster.Remote.TakeCalls());
        await cluster.InSyncAsync("t", 0, 7, 9, 8);
    }

    [Fact]
    public async Task The_last_one_in_sync_stays_on_record_and_leads_again()
    {
        await using ControlledCluster cluster = await ControlledCluster.StartAsync();
        await cluster.CreateAsync("t", [8, 9]);
        await cluster.InSyncAsync("t", 0, 8);
        await cluster.RefuseAsync(8);
        Assert.Equal("[8,9] -1 (8)", cluster.State("t", 0));

        await cluster.RefuseAsync(8, refuses: false);
        Assert.Equal("[8,9] 8 (8)", cluster.State("t", 0));
        Assert.Equal(2, cluster.Partition("t", 0).LeaderEpoch);
    }

    [Fact]
    public async Task Records_are_not_given_up_for_one_that_may_still_be_there()
    {
        await using ControlledCluster cluster = await ControlledCluster.StartAsync(Unclean);
        await cluster.CreateAsync("t", [8, 9]);
        await cluster.InSyncAsync("t", 0, 8);
        await cluster.RefuseAsync(8);
        Assert.Equal("[8,9] -1 (8)", cluster.State("t", 0));

        await cluster.FailOverAsync();
        await cluster.RefuseAsync(8);
        Assert.Equal("[8,9] -1 (8)", cluster.State("t", 0));

        // As the configuration allows, once its session is over.
        await cluster.RemoveBrokerAsync(8);
        await cluster.SettleAsync();
        Assert.Equal("[8,9] 9 (9)", cluster.State("t", 0));
    }

    [Fact]
    public async Task What_a_failed_directory_took_stays_taken()
    {
        await using ControlledCluster cluster = await ControlledCluster.StartAsync();
        await cluster.CreateAsync("t", [8, 9]);
        await FailDirectoryAsync(cluster);
        Assert.Equal("[8,9] 9 (9)", cluster.State("t", 0));

        await cluster.RefuseAsync(8);
        await cluster.RefuseAsync(8, refuses: false);
        Assert.Equal(ErrorCode.IneligibleReplica, await cluster.AskIsrAsync("t", 0, 9, 8));
        Assert.Equal([8], cluster.Partition("t", 0).OfflineReplicas);
    }

    [Fact]
    public async Task A_replica_in_a_failed_directory_does_not_lead_what_is_reassigned_to_it()
    {
        await using ControlledCluster cluster = await ControlledCluster.StartAsync();
        await cluster.CreateAsync("t", [8, 9]);
        await cluster.InSyncAsync("t", 0, 8);
        await FailDirectoryAsync(cluster);
        Assert.Equal("[8,9] -1 (8)", cluster.State("t", 0));

        Assert.Equal(ErrorCode.None, (await cluster.ReassignAsync("t", 0, [8])).Error);
        await cluster.SettleAsync();
        Assert.Equal("[8,9] -1 (8)", cluster.State("t", 0));
    }

    [Fact]
    public async Task The_office_is_taken_from_a_controller_that_refuses_and_what_it_led_with_it()
    {
        await using ControlledCluster cluster = await ControlledCluster.StartAsync(office: 8);
        Assert.False(cluster.Controller.IsActive);
        Assert.Equal([8], cluster.Watch.Watched);
        await cluster.Tree.CreateAsync("/brokers/topics/t", Trees.Bytes("""{"version":1,"partitions":{"0":[8,9,7]}}"""));
        await cluster.Tree.CreateAsync("/brokers/topics/t/partitions", default);
        await cluster.Tree.CreateAsync("/brokers/topics/t/partitions/0", default);
        await cluster.Tree.CreateAsync("/brokers/topics/t/partitions/0/state", new PartitionStateZnode(1, 8, 3, [8, 9, 7]).Encode());

        await cluster.RefuseAsync(8);
        Assert.True(cluster.Controller.IsActive);
        Assert.Equal(SingleBroker.Id, ControllerZnode.DecodeBrokerId((await cluster.Tree.GetAsync("/controller")).Data));
        Assert.Equal("2", await cluster.NodeAsync("/controller_epoch"));
        Assert.NotNull(await cluster.Tree.ExistsAsync("/brokers/ids/8"));
        Assert.Equal(("[8,9,7] 9 (9,7)", 4), (cluster.State("t", 0), cluster.Partition("t", 0).LeaderEpoch));
        Assert.Equal([8, 9], cluster.Watch.Watched);
    }

    [Fact]
    public async Task The_office_is_taken_once_from_each_registration()
    {
        await using ControlledCluster cluster = await ControlledCluster.StartAsync(office: 8);
        await cluster.RefuseAsync(8);
        Assert.True(cluster.Controller.IsActive);

        // It is alive, and holds this one for dead.
        await cluster.GiveOfficeAsync(8, 3);
        Assert.Equal(8, ControllerZnode.DecodeBrokerId((await cluster.Tree.GetAsync("/controller")).Data));
        Assert.False(cluster.Controller.IsActive);
        Assert.True(cluster.Watch.Refuses(new BrokerImage(8, 0, null, SingleBroker.Endpoints)));
    }

    [Fact]
    public async Task An_office_that_changed_hands_is_left_alone()
    {
        await using ControlledCluster cluster = await ControlledCluster.StartAsync(office: 8);
        Task given = cluster.GiveOfficeAsync(9, 2);
        cluster.Watch.Set(8, refuses: true);
        await given;
        await cluster.SettleAsync();
        Assert.Equal(9, ControllerZnode.DecodeBrokerId((await cluster.Tree.GetAsync("/controller")).Data));
        Assert.Equal([9], cluster.Watch.Watched);
    }

    /// <summary>The directory of broker 8 that holds t-0.</summary>
    private static async Task FailDirectoryAsync(ControlledCluster cluster)
    {
        cluster.Remote.AnswerAll();
        cluster.Remote.Offline.Add((8, "t", 0));
        await cluster.Tree.CreateAsync("/log_dir_event_notification/log_dir_event_", """{"version":1,"broker":8,"event":1}"""u8.ToArray(), CreateMode.PersistentSequential);
        await cluster.SettleAsync();
        cluster.Remote.AnswerAll();
        await cluster.SettleAsync();
    }
}
