namespace Broker.Cluster;

/// <summary>Partitions of a topic whose state is new to those who host them or show them.</summary>
internal sealed record TopicChange(TopicImage Topic, IReadOnlyList<PartitionImage> Partitions)
{
    public bool IsNew { get; init; }
}
