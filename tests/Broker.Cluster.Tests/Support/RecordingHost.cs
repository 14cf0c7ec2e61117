using Broker.Protocol;

namespace Broker.Cluster.Tests;

/// <summary>A broker that does what it is told and remembers it.</summary>
internal sealed class RecordingHost(MetadataStore store) : IReplicaHost
{
    /// <summary>What was told, in order, one line each.</summary>
    public List<string> Calls { get; } = [];

    public HashSet<TopicPartition> Offline { get; } = [];

    public List<string> Deleted { get; } = [];

    /// <summary>Thrown by the next call that changes replicas, once.</summary>
    public Exception? NextFailure { get; set; }

    public Task ApplyLeaderAndIsrAsync(TopicImage topic, IReadOnlyList<PartitionImage> partitions)
    {
        ThrowOnce();
        bool visible = store.Current.Topic(topic.Name)?.Partitions.Count >= topic.Partitions.Count;
        Calls.Add($"apply {topic.Name} {string.Join(' ', partitions.Select(p => $"{p.Index}:{p.Leader}@{p.LeaderEpoch}"))}{(visible ? " visible" : "")}");
        return Task.CompletedTask;
    }

    public Task StopReplicasAsync(IReadOnlyList<TopicPartition> partitions, bool delete)
    {
        ThrowOnce();
        Calls.Add($"stop {string.Join(' ', partitions)}{(delete ? " delete" : "")}");
        return Task.CompletedTask;
    }

    public bool IsOffline(TopicPartition partition) => Offline.Contains(partition);

    public void OnTopicDeleted(string topic) => Deleted.Add(topic);

    public void OnMetadata(MetadataImage old, MetadataImage current)
    {
        Assert.Same(store.Current, current);
        Assert.Equal(old.Version + 1, current.Version);
        Calls.Add($"metadata {string.Join(' ', current.Topics.Select(t => $"{t.Name}/{t.Partitions.Count}").Order(StringComparer.Ordinal))}".TrimEnd());
    }

    public List<string> TakeCalls()
    {
        List<string> calls = [.. Calls];
        Calls.Clear();
        return calls;
    }

    private void ThrowOnce()
    {
        if (NextFailure is { } failure)
        {
            NextFailure = null;
            throw failure;
        }
    }
}
