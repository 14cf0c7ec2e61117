using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>Where a listener of a broker can be reached.</summary>
public sealed record EndpointImage(string Host, int Port, string SecurityProtocol);

/// <summary>A live broker.</summary>
/// <param name="Id">broker.id.</param>
/// <param name="Epoch">czxid of its registration: grows with every registration of the same id.</param>
/// <param name="Rack">broker.rack, or null.</param>
/// <param name="Endpoints">By listener name.</param>
public sealed record BrokerImage(int Id, long Epoch, string? Rack, IReadOnlyDictionary<string, EndpointImage> Endpoints)
{
    /// <summary>Levels of features that it can run with, as its registration says; known to the controller only.</summary>
    public IReadOnlyList<SupportedFeature> Features { get; init; } = [];

    public EndpointImage? Endpoint(string listener) => Endpoints.GetValueOrDefault(listener);
}

/// <summary>Who leads a partition and who follows.</summary>
/// <param name="Index">Number within the topic.</param>
/// <param name="Leader">Broker id, -1 for none.</param>
/// <param name="LeaderEpoch">Counts the elections.</param>
/// <param name="PartitionEpoch">Version of the partition's state node.</param>
/// <param name="Replicas">Assigned brokers, the preferred leader first.</param>
/// <param name="Isr">In-sync replicas.</param>
/// <param name="OfflineReplicas">Assigned brokers that are not alive.</param>
public sealed record PartitionImage(int Index, int Leader, int LeaderEpoch, int PartitionEpoch, int[] Replicas, int[] Isr, int[] OfflineReplicas)
{
    /// <summary>Replicas that a reassignment adds. Known to the controller, and of its own roles to each broker.</summary>
    public int[] Adding { get; init; } = [];

    /// <summary>Replicas that a reassignment removes: among <see cref="Replicas"/> until the added ones are in sync, then no more, until they are deleted.</summary>
    public int[] Removing { get; init; } = [];

    public bool IsReassigning => Adding.Length > 0 || Removing.Length > 0;
}

/// <summary>A topic with its partitions, densely numbered from 0, and the configuration set for it alone.</summary>
public sealed record TopicImage(string Name, Guid Id, ImmutableArray<PartitionImage> PartitionArray, IReadOnlyDictionary<string, string> Config)
{
    // The array itself: as an interface the struct around it would be boxed at every look.
    public IReadOnlyList<PartitionImage> Partitions => ImmutableCollectionsMarshal.AsArray(PartitionArray)!;

    /// <summary>True for the topics that coordinators keep their state in.</summary>
    public bool IsInternal => InternalTopics.IsInternal(Name);
}

/// <summary>
/// Everything a broker tells clients about the cluster, as of one moment. Immutable: a change makes a new image that shares what stayed the same.
/// </summary>
public sealed record MetadataImage
{
    public static MetadataImage Empty { get; } = new();

    /// <summary>Grows by one with every image that <see cref="MetadataStore"/> gets.</summary>
    public long Version { get; init; }

    public string ClusterId { get; init; } = "";

    /// <summary>Broker id of the controller, -1 for none.</summary>
    public int ControllerId { get; init; } = -1;

    public IReadOnlyList<BrokerImage> Brokers { get; init; } = [];

    /// <summary>Those that were among them lately, see <see cref="MetadataStore.JustDeparted"/>.</summary>
    internal IReadOnlyList<(BrokerImage Broker, long Since)> Departed { get; init; } = [];

    public ImmutableDictionary<string, TopicImage> TopicsByName { get; init; } = ImmutableDictionary.Create<string, TopicImage>(StringComparer.Ordinal);

    public ImmutableDictionary<Guid, string> NamesById { get; init; } = ImmutableDictionary<Guid, string>.Empty;

    /// <summary>Dynamic broker configuration by entity: a broker id in decimal, or <see cref="DefaultEntity"/>.</summary>
    public ImmutableDictionary<string, IReadOnlyDictionary<string, string>> BrokerConfigs { get; init; } =
        ImmutableDictionary.Create<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal);

    /// <summary>Levels in force by feature, see <see cref="ClusterFeatures"/>; level 0 is not listed.</summary>
    public ImmutableDictionary<string, short> FeatureLevels { get; init; } = ImmutableDictionary.Create<string, short>(StringComparer.Ordinal);

    /// <summary>Version of the node that keeps them: grows with each change.</summary>
    public int FeatureEpoch { get; init; }

    /// <summary>Entity name of the cluster-wide broker default.</summary>
    public const string DefaultEntity = "<default>";

    public IEnumerable<TopicImage> Topics => TopicsByName.Values;

    public TopicImage? Topic(string name) => TopicsByName.GetValueOrDefault(name);

    public TopicImage? Topic(Guid id) => NamesById.TryGetValue(id, out string? name) ? Topic(name) : null;

    public bool Has(TopicPartition partition) => Topic(partition.Topic) is { } topic && (uint)partition.Partition < (uint)topic.Partitions.Count;

    public BrokerImage? Broker(int id)
    {
        foreach (BrokerImage broker in Brokers)
        {
            if (broker.Id == id)
            {
                return broker;
            }
        }

        return null;
    }

    public MetadataImage With(TopicImage topic) => this with { TopicsByName = TopicsByName.SetItem(topic.Name, topic), NamesById = NamesById.SetItem(topic.Id, topic.Name) };

    public MetadataImage Without(TopicImage topic) => this with { TopicsByName = TopicsByName.Remove(topic.Name), NamesById = NamesById.Remove(topic.Id) };
}

/// <summary>Holds the current image. Readers take it once and keep what they took; the controller's thread is the only writer.</summary>
public sealed class MetadataStore(TimeProvider time)
{
    /// <summary>Who asks because of it asks at once. A broker that was stopped may be taken for one that died, if it was the controller and did not come to tell who leads now.</summary>
    private static readonly TimeSpan DepartureMatters = TimeSpan.FromMilliseconds(500);

    private volatile MetadataImage _current = MetadataImage.Empty;
    private volatile TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public MetadataImage Current => _current;

    /// <summary>Completes when there is another image than the one that is current. To be taken before that is looked at.</summary>
    public Task Next => _next.Task;

    /// <summary>
    /// Brokers that are not among those of the image, and were a moment before it, in the middle of leading what others lead now. Those who handed over first or took what they led
    /// with them are not among them.
    /// </summary>
    public IEnumerable<BrokerImage> JustDeparted(MetadataImage image) => image.Departed.Where(d => Matters(d.Since)).Select(d => d.Broker);

    /// <summary>Returns the image as it is now current: with the next version.</summary>
    internal MetadataImage Swap(MetadataImage image)
    {
        MetadataImage current = _current = image with { Version = _current.Version + 1, Departed = ReferenceEquals(image.Brokers, _current.Brokers) ? _current.Departed : Departures(image) };
        TaskCompletionSource passed = _next;
        _next = new(TaskCreationOptions.RunContinuationsAsynchronously);
        passed.SetResult();
        return current;
    }

    private bool Matters(long since) => time.GetElapsedTime(since) < DepartureMatters;

    private (BrokerImage Broker, long Since)[] Departures(MetadataImage next)
    {
        long now = time.GetTimestamp();
        return
        [
            .. _current.Departed.Where(d => Matters(d.Since) && next.Broker(d.Broker.Id) is null),
            .. _current.Brokers.Where(b => next.Broker(b.Id) is null && IsSucceeded(b.Id, next)).Select(b => (b, now)),
        ];
    }

    private bool IsSucceeded(int broker, MetadataImage next)
    {
        foreach (TopicImage before in _current.Topics)
        {
            if (next.Topic(before.Name) is { } after && !ReferenceEquals(after, before))
            {
                foreach ((PartitionImage led, PartitionImage leads) in before.PartitionArray.Zip(after.PartitionArray))
                {
                    if (led.Leader == broker && leads.Leader >= 0 && leads.Leader != broker)
                    {
                        return true;
                    }
                }
            }
        }

        return false;
    }
}
