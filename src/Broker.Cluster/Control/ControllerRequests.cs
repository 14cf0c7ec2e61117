using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>A topic to create. Null counts mean the broker's defaults; an assignment replaces both.</summary>
public sealed record NewTopic(string Name, int? PartitionCount, short? ReplicationFactor, IReadOnlyDictionary<int, int[]>? Assignment, IReadOnlyDictionary<string, string> Configs);

public sealed record CreateTopicResult(string Name, ErrorCode Error, string? Message, Guid TopicId, int PartitionCount, int ReplicationFactor, IReadOnlyDictionary<string, string> Configs)
{
    public static CreateTopicResult Failed(string name, ErrorCode error, string message) => new(name, error, message, Guid.Empty, -1, -1, new Dictionary<string, string>());
}

public sealed record DeleteTopicResult(string? Name, Guid TopicId, ErrorCode Error, string? Message);

/// <summary>Partitions to add until there are <paramref name="TotalCount"/>; with an assignment for each new one, or null.</summary>
public sealed record NewPartitions(string Topic, int TotalCount, IReadOnlyList<int[]>? Assignments);

public sealed record CreatePartitionsResult(string Name, ErrorCode Error, string? Message);

/// <summary>Level 0 takes the feature out of force.</summary>
public sealed record FeatureUpdate(string Name, short Level, bool AllowsDowngrade);

public sealed record FeatureUpdateResult(string Name, ErrorCode Error, string? Message);

/// <summary>Replicas a partition shall have, the preferred leader first; null cancels the reassignment that is under way.</summary>
public sealed record PartitionReassignment(TopicPartition Partition, int[]? Target);

public sealed record PartitionReassignmentResult(TopicPartition Partition, ErrorCode Error, string? Message);

/// <summary>A reassignment that is under way: all replicas at present, those that come and those that go.</summary>
public sealed record OngoingReassignment(TopicPartition Partition, int[] Replicas, int[] Adding, int[] Removing);

public sealed record ElectLeaderResult(TopicPartition Partition, ErrorCode Error, string? Message);

/// <summary>Producer ids from <paramref name="Start"/> to <paramref name="End"/>, both included.</summary>
public sealed record ProducerIdBlock(long Start, long End);

/// <summary>How this broker presents itself to the cluster.</summary>
public sealed record BrokerRegistration(int Id, string? Rack, IReadOnlyDictionary<string, EndpointImage> Endpoints);

/// <summary>What the controller needs to know of the configuration, asked each time because it may change.</summary>
public sealed record ControllerPolicy
{
    public required Func<int> DefaultPartitions { get; init; }

    public required Func<short> DefaultReplicationFactor { get; init; }

    /// <summary>Checks a topic's configuration overrides; the text of what is wrong, or null.</summary>
    public required Func<IReadOnlyDictionary<string, string>, string?> ValidateTopicConfig { get; init; }

    /// <summary>Whether a topic with these overrides may be led by a replica that lags; null: none may.</summary>
    public Func<IReadOnlyDictionary<string, string>, bool>? AllowsUncleanElection { get; init; }

    /// <summary>delete.topic.enable, for deletions that tools ask for in the tree; null: they may.</summary>
    public Func<bool>? AllowsDeletion { get; init; }

    /// <summary>Feature levels of a cluster that is made new.</summary>
    public IReadOnlyDictionary<string, short> FirstFeatureLevels { get; init; } = new Dictionary<string, short>();
}
