using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>
/// Decides what a topic will look like: validates requests in Kafka's order and words, and assigns replicas as <see cref="ReplicaPlacement"/> spreads them. Pure but for chance.
/// </summary>
internal sealed class TopicPlanner(ControllerPolicy policy, Random chance)
{
    /// <summary>Each partition is a directory with open files here; more than this in one request is a mistake or an attack.</summary>
    private const int MaxPartitions = 100_000;

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

        if (Collisions(image, topic.Name) is { } collisions)
        {
            return Failed(ErrorCode.InvalidTopicException, $"Topic '{topic.Name}' collides with existing topics: {collisions}");
        }

        (IReadOnlyList<int[]>? replicas, ErrorCode error, string? message) = topic.Assignment is null ? Automatic(image, topic) : Manual(image, topic, topic.Assignment);
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
        if (request.TotalCount < existing)
        {
            return Failed(ErrorCode.InvalidPartitions, $"Topic currently has {existing} partitions, which is higher than the requested {request.TotalCount}.");
        }

        int added = request.TotalCount - existing;
        if (added == 0)
        {
            return Failed(ErrorCode.InvalidPartitions, $"Topic already has {existing} partitions.");
        }

        if (added > MaxPartitions)
        {
            return TooMany(added);
        }

        // A topic without partitions, or a partition without replicas, comes from a tool or by hand.
        int[] model = existing == 0 ? [] : topic.Partitions[0].Replicas;
        int factor = Math.Max(1, model.Length);
        if (request.Assignments is { } assignments)
        {
            return Manual(image, assignments, existing, added, factor);
        }

        return Unspreadable(image, factor) ?? (new ReplicaPlacement(image.Brokers).Continue(existing, added, factor, model.FirstOrDefault(-1)), ErrorCode.None, null);
    }

    private static string? Collisions(MetadataImage image, string name)
    {
        if (name.AsSpan().IndexOfAny('.', '_') < 0)
        {
            return null;
        }

        List<string>? collisions = null;
        foreach (string other in image.TopicsByName.Keys)
        {
            if (TopicNames.Collide(other, name))
            {
                (collisions ??= []).Add(other);
            }
        }

        collisions?.Sort(StringComparer.Ordinal);
        return collisions is null ? null : string.Join(", ", collisions);
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

        return partitions > MaxPartitions
            ? TooMany(partitions)
            : Unspreadable(image, factor) ?? (new ReplicaPlacement(image.Brokers).Place(partitions, factor, chance), ErrorCode.None, null);
    }

    private static (IReadOnlyList<int[]>? Replicas, ErrorCode Error, string? Message) Manual(MetadataImage image, NewTopic topic, IReadOnlyDictionary<int, int[]> assignment)
    {
        if (topic.PartitionCount is not null || topic.ReplicationFactor is not null)
        {
            return Failed(ErrorCode.InvalidRequest, "Both numPartitions or replicationFactor and replicasAssignments were set. Both cannot be used at the same time.");
        }

        if (assignment.Count is 0 or > MaxPartitions)
        {
            return assignment.Count == 0 ? Failed(ErrorCode.InvalidReplicaAssignment, "The assignment has no partitions") : TooMany(assignment.Count);
        }

        var replicas = new int[assignment.Count][];
        foreach ((int index, int[] brokers) in assignment)
        {
            if ((uint)index >= (uint)replicas.Length)
            {
                return Failed(ErrorCode.InvalidReplicaAssignment, "Partitions should be a consecutive 0-based integer sequence");
            }

            if (CheckReplicas(image, brokers, index) is { } problem)
            {
                return Failed(ErrorCode.InvalidReplicaAssignment, problem);
            }

            replicas[index] = brokers;
        }

        return Array.Exists(replicas, r => r.Length != replicas[0].Length)
            ? Failed(ErrorCode.InvalidReplicaAssignment, "All partitions should have the same number of replicas")
            : (replicas, ErrorCode.None, null);
    }

    private static (IReadOnlyList<int[]>? Replicas, ErrorCode Error, string? Message) Manual(MetadataImage image, IReadOnlyList<int[]> assignments, int existing, int added, int factor)
    {
        if (assignments.Count != added)
        {
            return Failed(ErrorCode.InvalidReplicaAssignment, $"Increasing the number of partitions by {added} but {assignments.Count} assignments provided.");
        }

        for (int i = 0; i < assignments.Count; i++)
        {
            if (CheckReplicas(image, assignments[i], existing + i) is { } problem)
            {
                return Failed(ErrorCode.InvalidReplicaAssignment, problem);
            }

            if (assignments[i].Length != factor)
            {
                return Failed(ErrorCode.InvalidReplicaAssignment, $"Inconsistent replication factor between partitions, partition 0 has {factor} while partition {existing + i} has {assignments[i].Length}.");
            }
        }

        return (assignments, ErrorCode.None, null);
    }

    private static string? CheckReplicas(MetadataImage image, int[] brokers, int partition)
    {
        if (brokers.Length == 0)
        {
            return $"Cannot have replication factor of 0 for partition id {partition}.";
        }

        if (new HashSet<int>(brokers).Count != brokers.Length)
        {
            return $"Duplicate brokers not allowed in replica assignment: {string.Join(", ", brokers)} for partition id {partition}.";
        }

        int[] unknown = Array.FindAll(brokers, b => image.Broker(b) is null);
        return unknown.Length == 0 ? null : $"Unknown broker(s) in replica assignment: {string.Join(", ", unknown)}.";
    }

    /// <summary>Why replicas cannot be placed automatically; null when they can.</summary>
    private static (IReadOnlyList<int[]>? Replicas, ErrorCode Error, string? Message)? Unspreadable(MetadataImage image, int factor)
    {
        if (factor > image.Brokers.Count)
        {
            return Failed(ErrorCode.InvalidReplicationFactor, $"Replication factor: {factor} larger than available brokers: {image.Brokers.Count}.");
        }

        int[] without = ReplicaPlacement.WithoutRack(image.Brokers);
        return without.Length == 0 ? null : Failed(
            ErrorCode.UnknownServerError,
            $"Not all brokers have rack information for replica rack aware assignment. Set broker.rack on brokers {string.Join(", ", without)} too, or on none, or assign replicas in the request.");
    }

    private static (IReadOnlyList<int[]>? Replicas, ErrorCode Error, string? Message) TooMany(int partitions) =>
        Failed(ErrorCode.InvalidPartitions, $"{partitions} partitions are more than the {MaxPartitions} that one request may create");

    private static (IReadOnlyList<int[]>? Replicas, ErrorCode Error, string? Message) Failed(ErrorCode error, string message) => (null, error, message);
}
