using System.Collections.Immutable;
using Broker.Protocol;
using static Broker.Cluster.Tests.SingleBroker;

namespace Broker.Cluster.Tests;

/// <summary>Which requests are refused, with which code and words.</summary>
public sealed class TopicPlannerTests
{
    private static readonly TopicPlanner Planner = new(Policy, new Random(1));

    private static readonly MetadataImage Image = (MetadataImage.Empty with { Brokers = [Broker(1), Broker(2), Broker(3)] })
        .With(new TopicImage("old.topic", Guid.NewGuid(), [Partition(0), Partition(1)], ImmutableDictionary<string, string>.Empty));

    private static BrokerImage Broker(int id) => new(id, 1, null, new Dictionary<string, EndpointImage>());

    private static PartitionImage Partition(int index) => new(index, 1, 0, 0, [1, 2], [1, 2], []);

    public static TheoryData<string, ErrorCode, string> Refused => new()
    {
        { "bad/name", ErrorCode.InvalidTopicException, "Topic name is invalid: 'bad/name' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'" },
        { "old.topic", ErrorCode.TopicAlreadyExists, "Topic 'old.topic' already exists." },
        { "old_topic", ErrorCode.InvalidTopicException, "Topic 'old_topic' collides with existing topics: old.topic" },
        { "none:0", ErrorCode.InvalidPartitions, "Number of partitions must be larger than 0." },
        { "negative:-2", ErrorCode.InvalidPartitions, "Number of partitions must be larger than 0." },
        { "many:100001", ErrorCode.InvalidPartitions, "100001 partitions are more than the 100000 that one request may create" },
        { "factor:1:0", ErrorCode.InvalidReplicationFactor, "Replication factor must be larger than 0." },
        { "factor:1:4", ErrorCode.InvalidReplicationFactor, "Replication factor: 4 larger than available brokers: 3." },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Automatic_assignment_refuses(string request, ErrorCode error, string message)
    {
        string[] parts = request.Split(':');
        NewTopic topic = Topic(parts[0], parts.Length > 1 ? int.Parse(parts[1]) : 1, parts.Length > 2 ? short.Parse(parts[2]) : (short)1);

        Assert.Equal((error, message), Without(Planner.Plan(Image, topic)));
    }

    [Fact]
    public void Manual_assignment_refuses()
    {
        const ErrorCode Invalid = ErrorCode.InvalidReplicaAssignment;
        (Dictionary<int, int[]> Assignment, ErrorCode Error, string Message)[] cases =
        [
            (new() { [0] = [1], [2] = [1] }, Invalid, "Partitions should be a consecutive 0-based integer sequence"),
            (new() { [1] = [1] }, Invalid, "Partitions should be a consecutive 0-based integer sequence"),
            (new() { [-1] = [1] }, Invalid, "Partitions should be a consecutive 0-based integer sequence"),
            (new() { [0] = [1, 1] }, Invalid, "Duplicate brokers not allowed in replica assignment: 1, 1 for partition id 0."),
            (new() { [0] = [1, 9, 8] }, Invalid, "Unknown broker(s) in replica assignment: 9, 8."),
            (new() { [0] = [] }, Invalid, "Cannot have replication factor of 0 for partition id 0."),
            (new() { [0] = [1], [1] = [1, 2] }, Invalid, "All partitions should have the same number of replicas"),
            (new(), Invalid, "The assignment has no partitions"),
        ];
        foreach ((Dictionary<int, int[]> assignment, ErrorCode error, string message) in cases)
        {
            Assert.Equal((error, message), Without(Planner.Plan(Image, Topic("t", assignment: assignment))));
        }

        const string Both = "Both numPartitions or replicationFactor and replicasAssignments were set. Both cannot be used at the same time.";
        Assert.Equal((ErrorCode.InvalidRequest, Both), Without(Planner.Plan(Image, Topic("t", 1, null, new() { [0] = [1] }))));
        Assert.Equal((ErrorCode.InvalidRequest, Both), Without(Planner.Plan(Image, Topic("t", null, 1, new() { [0] = [1] }))));
    }

    [Fact]
    public void Configurations_are_checked() =>
        Assert.Equal((ErrorCode.InvalidConfig, "Unknown topic config name: bad.key"), Without(Planner.Plan(Image, Topic("t", configs: new() { ["bad.key"] = "1" }))));

    [Fact]
    public void Replicas_go_round_and_counts_left_out_are_the_brokers()
    {
        int[] leaders = [.. Planner.Plan(Image, Topic("t", 4, 2)).Replicas!.Select(r => r[0])];
        Assert.Equal([1, 2, 3], leaders.Take(3).Order());
        Assert.Equal(leaders[0], leaders[3]);
        Assert.Equal([1, 2, 3], Planner.Plan(Image, Topic("t")).Replicas!.Select(r => r.Single()).Order());
        Assert.Equal([[3, 1], [2, 3]], Planner.Plan(Image, Topic("t", assignment: new() { [1] = [2, 3], [0] = [3, 1] })).Replicas!);
    }

    [Fact]
    public void Growth_refuses()
    {
        TopicImage topic = Image.Topic("old.topic")!;
        (int Count, int[][]? Assignments, ErrorCode Error, string Message)[] cases =
        [
            (1, null, ErrorCode.InvalidPartitions, "Topic currently has 2 partitions, which is higher than the requested 1."),
            (int.MinValue, null, ErrorCode.InvalidPartitions, "Topic currently has 2 partitions, which is higher than the requested -2147483648."),
            (2, null, ErrorCode.InvalidPartitions, "Topic already has 2 partitions."),
            (int.MaxValue, null, ErrorCode.InvalidPartitions, "2147483645 partitions are more than the 100000 that one request may create"),
            (4, [[1, 2]], ErrorCode.InvalidReplicaAssignment, "Increasing the number of partitions by 2 but 1 assignments provided."),
            (3, [[1, 9]], ErrorCode.InvalidReplicaAssignment, "Unknown broker(s) in replica assignment: 9."),
            (3, [[1, 1]], ErrorCode.InvalidReplicaAssignment, "Duplicate brokers not allowed in replica assignment: 1, 1 for partition id 2."),
            (3, [[1]], ErrorCode.InvalidReplicaAssignment, "Inconsistent replication factor between partitions, partition 0 has 2 while partition 2 has 1."),
        ];
        foreach ((int count, int[][]? assignments, ErrorCode error, string message) in cases)
        {
            Assert.Equal((error, message), Without(TopicPlanner.Plan(Image, topic, new NewPartitions("old.topic", count, assignments))));
        }

        MetadataImage small = Image with { Brokers = [Broker(1)] };
        Assert.Equal(
            (ErrorCode.InvalidReplicationFactor, "Replication factor: 2 larger than available brokers: 1."),
            Without(TopicPlanner.Plan(small, topic, new NewPartitions("old.topic", 3, null))));
    }

    [Fact]
    public void Growth_goes_on_where_the_topic_ends()
    {
        TopicImage topic = Image.Topic("old.topic")!;
        Assert.Equal([[3, 1], [1, 3]], TopicPlanner.Plan(Image, topic, new NewPartitions("old.topic", 4, null)).Replicas!);
        Assert.Equal([[2, 3]], TopicPlanner.Plan(Image, topic, new NewPartitions("old.topic", 3, [[2, 3]])).Replicas!);
    }

    [Fact]
    public void Racks_of_some_brokers_only_are_refused()
    {
        MetadataImage half = Image with { Brokers = [Broker(1) with { Rack = "a" }, Broker(2), Broker(3)] };
        const string Message = "Not all brokers have rack information for replica rack aware assignment. "
            + "Set broker.rack on brokers 2, 3 too, or on none, or assign replicas in the request.";
        Assert.Equal((ErrorCode.UnknownServerError, Message), Without(Planner.Plan(half, Topic("t", 1, 1))));
        Assert.Equal((ErrorCode.UnknownServerError, Message), Without(TopicPlanner.Plan(half, Image.Topic("old.topic")!, new NewPartitions("old.topic", 3, null))));
        Assert.Equal([[2, 3]], Planner.Plan(half, Topic("t", assignment: new() { [0] = [2, 3] })).Replicas!);
    }

    private static (ErrorCode, string?) Without((IReadOnlyList<int[]>? Replicas, ErrorCode Error, string? Message) plan)
    {
        Assert.Null(plan.Replicas);
        return (plan.Error, plan.Message);
    }
}
