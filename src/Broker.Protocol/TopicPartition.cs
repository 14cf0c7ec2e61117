namespace Broker.Protocol;

/// <summary>A partition of a topic, by name: the key of logs, leaders and committed offsets.</summary>
public readonly record struct TopicPartition(string Topic, int Partition) : IComparable<TopicPartition>
{
    public int CompareTo(TopicPartition other)
    {
        int byTopic = string.CompareOrdinal(Topic, other.Topic);
        return byTopic != 0 ? byTopic : Partition.CompareTo(other.Partition);
    }

    /// <summary>Kafka's name of the partition's directory: <c>topic-partition</c>.</summary>
    public override string ToString() => $"{Topic}-{Partition}";
}
