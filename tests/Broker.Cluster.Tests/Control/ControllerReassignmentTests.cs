using Broker.Protocol;

namespace Broker.Cluster.Tests;

/// <summary>Reassignments step by step, as brokers are told of them and as they stand in the tree.</summary>
public sealed class ControllerReassignmentTests : IAsyncLifetime
{
    private static readonly TopicPartition T0 = new("t", 0);

    private ControlledCluster _cluster = null!;

    public async Task InitializeAsync() => _cluster = await ControlledCluster.StartAsync();

    public async Task DisposeAsync() => await _cluster.DisposeAsync();

    [Fact]
    public async Task Wanted_replicas_are_added_and_only_when_all_are_in_sync_the_others_leave()
    {
        await _cluster.CreateAsync("t", [8, 7]);
        _cluster.Remote.TakeCalls();

        Assert.Equal((ErrorCode.None, null), await _cluster.ReassignAsync("t", 0, [7, 9]));
        Assert.Equal("[7,9,8] 8 (8,7)", _cluster.State("t", 0));
        Assert.Equal("t-0 [7,9,8] +[9] -[8]", await _cluster.OngoingAsync());
        Assert.Contains("\"partitions\":{\"0\":[7,9,8]},\"adding_replicas\":{\"0\":[9]},\"removing_replicas\":{\"0\":[8]}", await _cluster.NodeAsync("/brokers/topics/t"), StringComparison.Ordinal);
        Assert.Equal(
            ["8 LeaderAndIsr t-0:8@1[8,7]+9-8", "8 UpdateMetadata t-0:8[8,7]", "9 LeaderAndIsr t-0:8@1[8,7]+9-8", "9 UpdateMetadata t-0:8[8,7]"],
            _cluster.Remote.TakeCalls());

        await _cluster.InSyncAsync("t", 0, 8, 7, 9);
        Assert.Equal("[7,9] 7 (7,9)", _cluster.State("t", 0));
        Assert.Equal("t-0 [7,9,8] +[] -[8]", await _cluster.OngoingAsync());
        List<string> calls = _cluster.Remote.TakeCalls();
        Assert.Equal("9 LeaderAndIsr t-0:7@2[7,9]", Assert.Single(calls, c => c.Contains("LeaderAndIsr", StringComparison.Ordinal)));
        Assert.Equal("8 StopReplica t-0 delete", calls[^1]);

        // It stays in the tree until the broker has deleted its replica.
        Assert.Contains("\"partitions\":{\"0\":[7,9]},\"adding_replicas\":{},\"removing_replicas\":{\"0\":[8]}", await _cluster.NodeAsync("/brokers/topics/t"), StringComparison.Ordinal);
        _cluster.Remote.AnswerAll();
        await _cluster.SettleAsync();
        Assert.Equal("", await _cluster.OngoingAsync());
        Assert.Contains("\"partitions\":{\"0\":[7,9]},\"adding_replicas\":{},\"removing_replicas\":{}", await _cluster.NodeAsync("/brokers/topics/t"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_broker_of_the_controller_leaves_and_deletes()
    {
        await _cluster.CreateAsync("t", [7]);
        _cluster.Host.TakeCalls();
        await _cluster.ReassignAsync("t", 0, [9, 8]);
        await _cluster.InSyncAsync("t", 0, 7, 8);
        Assert.DoesNotContain("stop t-0 delete", _cluster.Host.Calls);
        await _cluster.InSyncAsync("t", 0, 7, 8, 9);
        Assert.Contains("stop t-0 delete", _cluster.Host.Calls);
        Assert.Equal("[9,8] 9 (8,9)", _cluster.State("t", 0));
        Assert.Equal("", await _cluster.OngoingAsync());
        Assert.Empty(_cluster.Host.Deleted);
    }

    [Fact]
    public async Task Fewer_replicas_or_another_order_wait_for_nothing()
    {
        await _cluster.CreateAsync("t", [7, 8, 9], [7, 8, 9]);
        Assert.Equal((ErrorCode.None, null), await _cluster.ReassignAsync("t", 0, [8]));
        Assert.Equal((ErrorCode.None, null), await _cluster.ReassignAsync("t", 1, [9, 8, 7]));
        Assert.Equal("[8] 8 (8)", _cluster.State("t", 0));
        Assert.Equal("[9,8,7] 7 (7,8,9)", _cluster.State("t", 1));
        _cluster.Remote.AnswerAll();
        await _cluster.SettleAsync();
        Assert.Equal("", await _cluster.OngoingAsync());
        Assert.Contains("\"partitions\":{\"0\":[8],\"1\":[9,8,7]},\"adding_replicas\":{},\"removing_replicas\":{}", await _cluster.NodeAsync("/brokers/topics/t"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancelled_it_is_as_it_was()
    {
        await _cluster.CreateAsync("t", [8, 7]);
        Assert.Equal(ErrorCode.NoReassignmentInProgress, (await _cluster.ReassignAsync("t", 0, null)).Error);
        await _cluster.ReassignAsync("t", 0, [9]);
        _cluster.Remote.TakeCalls();

        Assert.Equal((ErrorCode.None, null), await _cluster.ReassignAsync("t", 0, null));
        Assert.Equal("[8,7] 8 (8,7)", _cluster.State("t", 0));
        Assert.Equal("", await _cluster.OngoingAsync());
        Assert.Contains("9 StopReplica t-0 delete", _cluster.Remote.Calls);
        Assert.Contains("\"partitions\":{\"0\":[8,7]},\"adding_replicas\":{},\"removing_replicas\":{}", await _cluster.NodeAsync("/brokers/topics/t"), StringComparison.Ordinal);
        Assert.Equal(ErrorCode.NoReassignmentInProgress, (await _cluster.ReassignAsync("t", 0, null)).Error);
    }

    [Fact]
    public async Task One_that_is_under_way_is_replaced_by_another()
    {
        await _cluster.CreateAsync("t", [7]);
        await _cluster.ReassignAsync("t", 0, [8]);
        _cluster.Remote.TakeCalls();
        await _cluster.ReassignAsync("t", 0, [9]);
        Assert.Equal("t-0 [9,7] +[9] -[7]", await _cluster.OngoingAsync(T0));
        Assert.Contains("8 StopReplica t-0 delete", _cluster.Remote.Calls);
        await _cluster.InSyncAsync("t", 0, 7, 9);
        Assert.Equal("[9] 9 (9)", _cluster.State("t", 0));
    }

    [Fact]
    public async Task A_leader_that_is_not_wanted_any_more_gives_up_to_one_that_stays_in_sync()
    {
        await _cluster.CreateAsync("t", [7, 8]);
        await _cluster.ReassignAsync("t", 0, [9, 8]);
        await _cluster.InSyncAsync("t", 0, 7, 9);
        await _cluster.Controller.ElectLeadersAsync([T0], unclean: false);
        Assert.Equal("[9,8,7] 9 (7,9)", _cluster.State("t", 0));

        // 8 is not in sync, so that only 7 may lead without the one that was being added.
        await _cluster.ReassignAsync("t", 0, null);
        Assert.Equal("[8,7] 7 (7)", _cluster.State("t", 0));
    }

    [Fact]
    public async Task The_last_replica_in_sync_is_not_given_up()
    {
        await _cluster.CreateAsync("t", [8]);
        await _cluster.ReassignAsync("t", 0, [9, 7]);
        await _cluster.InSyncAsync("t", 0, 8, 9);
        await _cluster.RemoveBrokerAsync(8);
        await _cluster.SettleAsync();
        Assert.Equal("[9,7,8] 9 (9)", _cluster.State("t", 0));
        (ErrorCode error, string? message) = await _cluster.ReassignAsync("t", 0, null);
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, error);
        Assert.Contains("in sync are 9", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_next_controller_goes_on_wherever_the_last_one_was()
    {
        await _cluster.CreateAsync("t", [8, 7]);
        await _cluster.ReassignAsync("t", 0, [9, 7]);
        await _cluster.FailOverAsync();
        await _cluster.SettleAsync();
        Assert.Equal("t-0 [9,7,8] +[9] -[8]", await _cluster.OngoingAsync());
        Assert.Contains(_cluster.Remote.Calls, c => c.StartsWith("9 LeaderAndIsr t-0:8@2", StringComparison.Ordinal) && c.EndsWith("+9-8", StringComparison.Ordinal));

        // And once more when those that left are not deleted yet.
        await _cluster.InSyncAsync("t", 0, 8, 7, 9);
        Assert.Contains("8 StopReplica t-0 delete", _cluster.Remote.Calls);
        await _cluster.FailOverAsync();
        await _cluster.SettleAsync();
        Assert.Contains("8 StopReplica t-0 delete", _cluster.Remote.Calls);
        _cluster.Remote.AnswerAll();
        await _cluster.SettleAsync();
        Assert.Equal(("", "[9,7] 9 (9)"), (await _cluster.OngoingAsync(), _cluster.State("t", 0)));
    }

    [Fact]
    public async Task Brokers_die_in_the_middle()
    {
        await _cluster.CreateAsync("t", [8, 7]);
        await _cluster.ReassignAsync("t", 0, [9, 7]);
        await _cluster.InSyncAsync("t", 0, 8, 9);

        // One that is added: it is waited for.
        await _cluster.RemoveBrokerAsync(9);
        await _cluster.SettleAsync();
        Assert.Equal("[9,7,8] 8 (8)", _cluster.State("t", 0));
        await _cluster.InSyncAsync("t", 0, 8, 7);
        await _cluster.AddBrokerAsync(9);
        await _cluster.SettleAsync();
        Assert.Contains(_cluster.Remote.Calls, c => c.StartsWith("9 LeaderAndIsr t-0:8", StringComparison.Ordinal));

        // One that leaves: nothing is to be waited for.
        await _cluster.InSyncAsync("t", 0, 8, 7, 9);
        await _cluster.RemoveBrokerAsync(8);
        await _cluster.SettleAsync();
        Assert.Equal(("", "[9,7] 9 (7,9)"), (await _cluster.OngoingAsync(), _cluster.State("t", 0)));
    }

    [Fact]
    public async Task A_topic_is_deleted_in_the_middle_everywhere()
    {
        await _cluster.CreateAsync("t", [8, 7]);
        await _cluster.ReassignAsync("t", 0, [9]);
        _cluster.Remote.TakeCalls();
        Task<IReadOnlyList<DeleteTopicResult>> deleted = _cluster.Controller.DeleteTopicsAsync(["t"]);
        await _cluster.SettleAsync();
        Assert.Equal("", await _cluster.OngoingAsync());
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await _cluster.ReassignAsync("t", 0, [7])).Error);
        Assert.Contains("8 StopReplica t-0 delete", _cluster.Remote.Calls);
        Assert.Contains("9 StopReplica t-0 delete", _cluster.Remote.Calls);
        _cluster.Remote.AnswerAll();
        await _cluster.SettleAsync();
        Assert.Equal(ErrorCode.None, (await deleted)[0].Error);
        Assert.Null(await _cluster.Tree.ExistsAsync("/brokers/topics/t"));
        Assert.Equal(["t"], _cluster.Host.Deleted);
    }

    [Fact]
    public async Task Bad_requests_are_told_what_to_do()
    {
        await _cluster.CreateAsync("t", [8, 7]);
        (int[] Target, string Message)[] cases =
        [
            ([], "The list of replicas is empty: name at least one broker, or null to cancel a reassignment"),
            ([8, 9, 8], "The list of replicas [8, 9, 8] names a broker twice: name each once"),
            ([8, -1], "The list of replicas [8, -1] has a negative broker id: name brokers that are registered (7, 8, 9)"),
            ([8, 12], "Brokers [12] of the list of replicas [8, 12] are not alive: start them, or name others (alive are 7, 8, 9)"),
        ];
        foreach ((int[] target, string message) in cases)
        {
            Assert.Equal((ErrorCode.InvalidReplicaAssignment, message), await _cluster.ReassignAsync("t", 0, target));
        }

        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await _cluster.ReassignAsync("t", 1, [8])).Error);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await _cluster.ReassignAsync("nobody", 0, null)).Error);
        Assert.Equal("[8,7] 8 (8,7)", _cluster.State("t", 0));

        // A replica that is dead now may stay.
        await _cluster.RemoveBrokerAsync(8);
        await _cluster.SettleAsync();
        Assert.Equal((ErrorCode.None, null), await _cluster.ReassignAsync("t", 0, [8, 7, 9]));
    }

    [Fact]
    public async Task Partitions_are_not_added_meanwhile()
    {
        await _cluster.CreateAsync("t", [8]);
        await _cluster.ReassignAsync("t", 0, [9]);
        Assert.Equal(ErrorCode.ReassignmentInProgress, (await _cluster.Controller.CreatePartitionsAsync([new NewPartitions("t", 2, null)], validateOnly: false))[0].Error);
        await _cluster.ReassignAsync("t", 0, null);
        Assert.Equal(ErrorCode.None, (await _cluster.Controller.CreatePartitionsAsync([new NewPartitions("t", 2, null)], validateOnly: false))[0].Error);
    }

    [Fact]
    public async Task A_node_that_tools_write_is_carried_out_and_removed()
    {
        await _cluster.CreateAsync("t", [8], [7]);
        await _cluster.Tree.CreateAsync("/admin/reassign_partitions", Trees.Bytes(
            """{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[9],"log_dirs":["any"]},{"topic":"t","partition":1,"replicas":[7]},{"topic":"gone","partition":0,"replicas":[7]}]}"""));
        await _cluster.SettleAsync();
        Assert.Equal("t-0 [9,8] +[9] -[8]", await _cluster.OngoingAsync());
        Assert.Equal("""{"version":1,"partitions":[{"topic":"t","partition":0,"replicas":[9]}]}""", await _cluster.NodeAsync("/admin/reassign_partitions"));

        await _cluster.FailOverAsync();
        await _cluster.SettleAsync();
        await _cluster.InSyncAsync("t", 0, 8, 9);
        _cluster.Remote.AnswerAll();
        await _cluster.SettleAsync();
        Assert.Equal("[9] 9 (9)", _cluster.State("t", 0));
        Assert.Null(await _cluster.Tree.ExistsAsync("/admin/reassign_partitions"));

        // What cannot be read is removed, or no tool could write another.
        await _cluster.Tree.CreateAsync("/admin/reassign_partitions", Trees.Bytes("rubbish"));
        await _cluster.SettleAsync();
        Assert.Null(await _cluster.Tree.ExistsAsync("/admin/reassign_partitions"));
    }

    [Fact]
    public async Task A_single_broker_answers_as_well()
    {
        using var directory = new TemporaryDirectory();
        await using SingleBroker broker = await SingleBroker.StartAsync(directory);
        await broker.CreateAsync(SingleBroker.Topic("t", 1));
        Assert.Equal(ErrorCode.None, await AskAsync([SingleBroker.Id]));
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, await AskAsync([SingleBroker.Id, 8]));
        Assert.Equal(ErrorCode.NoReassignmentInProgress, await AskAsync(null));
        Assert.Empty(await broker.Controller.ListReassignmentsAsync(null));

        async Task<ErrorCode> AskAsync(int[]? target) => Assert.Single(await broker.Controller.AlterReassignmentsAsync([new(T0, target)])).Error;
    }
}
