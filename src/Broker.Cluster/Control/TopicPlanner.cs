using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>
/// Decides what a topic will look like: validates requests in Kafka's order and words, and assigns replicas round-robin from a starting broker. Pure.
/// </summary>
internal sealed class TopicPlanner(ControllerPolicy policy)
{
    /// <summary>The replicas of every partition, or the error.</summary>
    public (IReadOnlyList<int[]>? Replicas, ErrorCode Error, string? Message) Plan(MetadataImage image, NewTopic topic)
    {
        if (TopicNames.Validate(topic.Name) is { } badName)
        {
            return Failed(ErrorCode.InvalidTopicException, badName);
        }

        if (image.Topic(topic.Name) is not null)
        {
            return Failed(ErrorCode.TopicAlreadyExists, $"Topic '{topic.Name}' already exists.");
        }

        if (topic.Name.AsSpan().IndexOfAny('.', '_') >= 0 && image.TopicsByName.Keys.FirstOrDefault(other => TopicNames.Collide(other, topic.Name)) is { } collision)
        {
            return Failed(ErrorCode.InvalidTopicException, $"Topic '{topic.Name}' collides with existing topics: {collision}");
        }

        (IReadOnlyList<int[]>? replicas, ErrorCode error, string? message) = topic.Assignment is null ? Automatic(image, topic) : Manual(image, topic);
        if (error == ErrorCode.None && policy.ValidateTopicConfig(topic.Configs) is { } badConfig)
        {
            return Failed(ErrorCode.InvalidConfig, badConfig);
        }

        return (replicas, error, message);
    }

    /// <summary>The replicas of the partitions to add, or the error.</summary>
    public static (IReadOnlyList<int[]>? Replicas, ErrorCode Error, string? Message) Plan(MetadataImage image, TopicImage topic, NewPartitions request)
    {
        int existing = topic.Partitions.Count;
        int added = request.TotalCount - existing;
        if (added < 0)
        {
            return Failed(ErrorCode.InvalidPartitions, $"The topic {topic.Name} currently has {existing} partition(s); {request.TotalCount} would not be an increase.");
        }

        if (added == 0)
        {
            return Failed(ErrorCode.InvalidPartitions, $"Topic already has {existing} partition(s).");
        }

        if (request.Assignments is not { } assignments)
        {
            return (Spread(image, added, topic.Partitions[0].Replicas.Length, existing), ErrorCode.None, null);
        }

        if (assignments.Count != added)
        {
            return Failed(ErrorCode.InvalidReplicaAssignment, $"Increasing the number of partitions by {added} but {assignments.Count} assignments provided.");
        }

        foreach (int[] replicas in assignments)
        {
            if (CheckReplicas(image, replicas) is { } problem)
            {
                return Failed(ErrorCode.InvalidReplicaAssignment, problem);
            }
        }

        return (assignments, ErrorCode.None, null);
    }

    private (IReadOnlyList<int[]>? Replicas, ErrorCode Error, string? Message) Automatic(MetadataImage image, NewTopic topic)
    {
        int partitions = topic.PartitionCount ?? policy.DefaultPartitions();
        int factor = topic.ReplicationFactor ?? policy.DefaultReplicationFactor();
        if (partitions <= 0)
        {
            return Failed(ErrorCode.InvalidPartitions, "Number of partitions must be larger than 0.");
        }

        if (factor <= 0)
        {
            return Failed(ErrorCode.InvalidReplicationFactor, "Replication factor must be larger than 0.");
        }

        if (factor > image.Brokers.Count)
        {
            return Failed(ErrorCode.InvalidReplicationFactor, $"Replication factor: {factor} larger than available brokers: {image.Brokers.Count}.");
        }

        return partitions > MaxPartitions
            ? Failed(ErrorCode.InvalidPartitions, $"{partitions} partitions are more than the {MaxPartitions} that one request may create")
            : (Spread(image, partitions, factor, 0), ErrorCode.None, null);
    }

    /// <summary>Each partition is a directory with open files here; more than this in one request is a mistake or an attack.</summary>
    private const int MaxPartitions = 100_000;

    private static (IReadOnlyList<int[]>? Replicas, ErrorCode Error, string? Message) Manual(MetadataImage image, NewTopic topic)
    {
        if (topic.PartitionCount is not null || topic.ReplicationFactor is not null)
        {
            return Failed(ErrorCode.InvalidRequest, "Both numPartitions or replicationFactor and replicasAssignments were set. Both cannot be used at the same time.");
        }

        var replicas = new int[topic.Assignment!.Count][];
        foreach ((int index, int[] brokers) in topic.Assignment)
        {
            if ((uint)index >= (uint)replicas.Length)
            {
                return Failed(ErrorCode.InvalidReplicaAssignment, "Partitions should be a consecutive 0-based integer sequence");
            }

            if (CheckReplicas(image, brokers) is { } problem)
            {
                return Failed(ErrorCode.InvalidReplicaAssignment, problem);
            }

            replicas[index] = brokers;
        }

        return replicas.Any(r => r.Length != replicas[0].Length)
            ? Failed(ErrorCode.InvalidReplicaAssignment, "All partitions should have the same number of replicas")
            : (replicas, ErrorCode.None, null);
    }

    private static string? CheckReplicas(MetadataImage image, int[] brokers)
    {
        if (brokers.Length == 0)
        {
            return "A partition needs at least one replica";
        }

        if (brokers.Distinct().Count() != brokers.Length)
        {
            return $"Duplicate brokers not allowed in replica assignment: {string.Join(", ", brokers)}";
        }

        int unknown = Array.FindIndex(brokers, b => image.Broker(b) is null);
        return unknown < 0 ? null : $"Unknown broker(s) in replica assignment: {brokers[unknown]}.";
    }

    private static int[][] Spread(MetadataImage image, int partitions, int factor, int first)
    {
        int[] brokers = [.. image.Brokers.Select(b => b.Id).Order()];
        var replicas = new int[partitions][];
        for (int p = 0; p < partitions; p++)
        {
            replicas[p] = new int[factor];
            for (int r = 0; r < factor; r++)
            {
                replicas[p][r] = brokers[(first + p + r) % brokers.Length];
            }
        }

        return replicas;
    }

    private static (IReadOnlyList<int[]>? Replicas, ErrorCode Error, string? Message) Failed(ErrorCode error, string message) => (null, error, message);
}
