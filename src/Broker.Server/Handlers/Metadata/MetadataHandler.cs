using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// Metadata (key 3): brokers, controller, topics and partition leaders, with the endpoints of the listener the request came in on.
/// v0: an empty list means all topics; from v1 null does. Topics may be created on the way (always before v4, by a flag since). v2 cluster id;
/// v8-10 cluster operations; v10 topic ids; v12 lookup by id; v13 top-level error.
/// </summary>
internal sealed class MetadataHandler(BrokerServices services) : ApiHandler<MetadataRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.Metadata, 0, 13);

    /// <summary>Less than clients wait for an answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>An election after a death takes a third of it.</summary>
    private static readonly TimeSpan ElectionPatience = TimeSpan.FromSeconds(1);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, MetadataRequest request)
    {
        short version = context.ApiVersion;
        if (!services.Controller.Informed.IsCompleted)
        {
            // Not that clients hear of a broker that has just started that their topics do not exist.
            await Task.WhenAny(services.Controller.Informed, Task.Delay(Patience, services.Time, services.Stopping)).ConfigureAwait(false);
        }

        await AwaitElectionAsync(request).ConfigureAwait(false);
        var view = new ListenerView(services.Metadata.Current, context.ListenerName, version, services.Cluster.Suspects);
        bool allTopics = request.Topics.IsNull || (version == 0 && request.Topics.Count == 0);
        var topics = new List<MetadataResponse.MetadataResponseTopic>();
        if (allTopics)
        {
            foreach (TopicImage topic in view.Image.Topics.OrderBy(t => t.Name, StringComparer.Ordinal))
            {
                topics.Add(Found(topic, view, request));
            }
        }
        else
        {
            await AddAskedAsync(request, version, view, topics).ConfigureAwait(false);
        }

        return new MetadataResponse
        {
            Brokers = Brokers(view),
            ClusterId = view.Image.ClusterId,
            ControllerId = view.Image.ControllerId,
            Topics = topics,
            ClusterAuthorizedOperations = request.IncludeClusterAuthorizedOperations ? AuthorizedOperations.Cluster : AuthorizedOperations.NotRequested,
        };
    }

    /// <summary>
    /// A client that has just lost its leader asks at once, and librdkafka then for a second no more: an answer that comes a little later, with the next leader, serves it best.
    /// </summary>
    private async ValueTask AwaitElectionAsync(MetadataRequest request)
    {
        if (!services.Cluster.IsShared)
        {
            // Nobody else to lead.
            return;
        }

        // A killed process closes its sockets one after the other, and that of the client may be among the first.
        await services.Cluster.HearAsync(Leaders(request, services.Metadata.Current)).ConfigureAwait(false);
        long since = services.Time.GetTimestamp();
        for (Task next = services.Metadata.Next; IsElectionDue(request); next = services.Metadata.Next)
        {
            if (services.Time.GetElapsedTime(since) >= ElectionPatience || services.Stopping.IsCancellationRequested)
            {
                return;
            }

            // Suspicions end without a new image, too.
            await Task.WhenAny(next, Task.Delay(KnockVerdict.Pause, services.Time, services.Stopping)).ConfigureAwait(false);
        }
    }

    /// <summary>Whether something that is asked for is led by a broker that is not there.</summary>
    private bool IsElectionDue(MetadataRequest request)
    {
        MetadataImage image = services.Metadata.Current;
        IReadOnlyCollection<int> suspects = services.Cluster.Suspects;
        return Leaders(request, image).Any(leader => image.Broker(leader) is null || suspects.Contains(leader));
    }

    /// <summary>Who leads what is asked for; where nobody can lead, no leader is noted.</summary>
    private static HashSet<int> Leaders(MetadataRequest request, MetadataImage image)
    {
        HashSet<int> leaders = [];
        foreach (TopicImage topic in Asked(request, image))
        {
            foreach (PartitionImage partition in topic.PartitionArray)
            {
                if (partition.Leader >= 0)
                {
                    leaders.Add(partition.Leader);
                }
            }
        }

        return leaders;
    }

    private static IEnumerable<TopicImage> Asked(MetadataRequest request, MetadataImage image) => request.Topics.IsNull
        ? image.Topics
        : request.Topics.Select(asked => asked.Name is null ? image.Topic(asked.TopicId) : image.Topic(asked.Name)).OfType<TopicImage>();

    /// <summary>
    /// Those that have just died as well: librdkafka forgets a broker that is not listed, and with it, for up to a second, who leads now what that broker led. Apache Kafka lists a dead
    /// broker until its session ends. Not those that were stopped: clients ask all that are listed for their groups.
    /// </summary>
    private List<MetadataResponse.MetadataResponseBroker> Brokers(ListenerView view)
    {
        var brokers = new List<MetadataResponse.MetadataResponseBroker>(view.Image.Brokers.Count);
        foreach (BrokerImage broker in view.Image.Brokers)
        {
            if (broker.Endpoint(view.Listener) is { } endpoint)
            {
                brokers.Add(Listed(broker, endpoint));
            }
        }

        foreach (BrokerImage broker in services.Metadata.JustDeparted(view.Image))
        {
            // Unless another one has its place.
            if (broker.Endpoint(view.Listener) is { } endpoint && !brokers.Exists(b => b.Host == endpoint.Host && b.Port == endpoint.Port))
            {
                brokers.Add(Listed(broker, endpoint));
            }
        }

        return brokers;
    }

    private static MetadataResponse.MetadataResponseBroker Listed(BrokerImage broker, EndpointImage endpoint) =>
        new() { NodeId = broker.Id, Host = endpoint.Host, Port = endpoint.Port, Rack = broker.Rack };

    private async ValueTask AddAskedAsync(MetadataRequest request, short version, ListenerView view, List<MetadataResponse.MetadataResponseTopic> topics)
    {
        bool mayCreate = (version < 4 || request.AllowAutoTopicCreation) && services.Config.AutoCreateTopics;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        List<string>? toCreate = null;
        foreach (MetadataRequest.MetadataRequestTopic asked in request.Topics)
        {
            if (asked.Name is null)
            {
                topics.Add(ById(asked.TopicId, view, request));
            }
            else if (version >= 10 && asked.TopicId != Guid.Empty && version < 12)
            {
                topics.Add(Missing(asked.Name, asked.TopicId, ErrorCode.InvalidRequest));
            }
            else if (seen.Add(asked.Name))
            {
                if (view.Image.Topic(asked.Name) is { } topic)
                {
                    topics.Add(Found(topic, view, request));
                }
                else if (TopicNames.Validate(asked.Name) is not null)
                {
                    topics.Add(Missing(asked.Name, Guid.Empty, ErrorCode.InvalidTopicException));
                }
                else if (mayCreate)
                {
                    (toCreate ??= []).Add(asked.Name);
                }
                else
                {
                    topics.Add(Missing(asked.Name, Guid.Empty, ErrorCode.UnknownTopicOrPartition));
                }
            }
        }

        foreach (string name in toCreate ?? [])
        {
            ErrorCode error = await services.AutoCreation.CreateAsync(name).ConfigureAwait(false);
            topics.Add(error == ErrorCode.None && services.Metadata.Current.Topic(name) is { } created
                ? Found(created, view with { Image = services.Metadata.Current }, request)
                : Missing(name, Guid.Empty, error == ErrorCode.None ? ErrorCode.LeaderNotAvailable : error));
        }
    }

    private static MetadataResponse.MetadataResponseTopic ById(Guid id, ListenerView view, MetadataRequest request) =>
        view.Image.Topic(id) is { } topic ? Found(topic, view, request) : new() { Name = null, TopicId = id, ErrorCode = ErrorCode.UnknownTopicId };

    private static MetadataResponse.MetadataResponseTopic Missing(string name, Guid id, ErrorCode error) => new()
    {
        Name = name,
        TopicId = id,
        ErrorCode = error,
        IsInternal = InternalTopics.IsInternal(name),
        TopicAuthorizedOperations = AuthorizedOperations.NotRequested,
    };

    private static MetadataResponse.MetadataResponseTopic Found(TopicImage topic, ListenerView view, MetadataRequest request)
    {
        var partitions = new MetadataResponse.MetadataResponsePartition[topic.Partitions.Count];
        for (int i = 0; i < partitions.Length; i++)
        {
            PartitionImage partition = topic.Partitions[i];
            (ErrorCode error, int leader) = view.Leader(partition);
            partitions[i] = new()
            {
                ErrorCode = error,
                PartitionIndex = partition.Index,
                LeaderId = leader,
                LeaderEpoch = partition.LeaderEpoch,
                ReplicaNodes = partition.Replicas,
                IsrNodes = partition.Isr,
                OfflineReplicas = partition.OfflineReplicas,
            };
        }

        return new()
        {
            Name = topic.Name,
            TopicId = topic.Id,
            IsInternal = topic.IsInternal,
            Partitions = partitions,
            TopicAuthorizedOperations = request.IncludeTopicAuthorizedOperations ? AuthorizedOperations.Topic : AuthorizedOperations.NotRequested,
        };
    }

    /// <summary>The image as seen through one listener.</summary>
    private readonly record struct ListenerView(MetadataImage Image, string Listener, short Version, IReadOnlyCollection<int> Suspects)
    {
        /// <summary>
        /// A leader without this listener cannot be reached by the client; before v6 there was no code of its own for that. Nor can one that has just closed its connections.
        /// </summary>
        public (ErrorCode Error, int Leader) Leader(PartitionImage partition)
        {
            if (partition.Leader < 0 || Image.Broker(partition.Leader) is not { } broker || Suspects.Contains(partition.Leader))
            {
                return (ErrorCode.LeaderNotAvailable, -1);
            }

            return broker.Endpoint(Listener) is not null
                ? (ErrorCode.None, partition.Leader)
                : (Version >= 6 ? ErrorCode.ListenerNotFound : ErrorCode.LeaderNotAvailable, -1);
        }
    }
}
