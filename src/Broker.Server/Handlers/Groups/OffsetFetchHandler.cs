using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// OffsetFetch (key 9): reads committed offsets. v0 reads what old consumers keep under /consumers; v2 can ask for all topics, v5 answers leader epochs,
/// v7 may ask for stable offsets only, v8 for several groups, v9 names member epochs.
/// </summary>
internal sealed class OffsetFetchHandler(BrokerServices services) : ApiHandler<OffsetFetchRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.OffsetFetch, 0, 9);

    private readonly OldConsumerOffsets _old = new(services);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, OffsetFetchRequest request) =>
        context.ApiVersion == 0
            ? await Task.Run(() => FetchOldAsync(request)).ConfigureAwait(false)
            : services.Groups.OffsetFetch(request, context.Caller);

    private async Task<OffsetFetchResponse> FetchOldAsync(OffsetFetchRequest request)
    {
        var topics = new List<OffsetFetchResponse.OffsetFetchResponseTopic>();
        foreach (OffsetFetchRequest.OffsetFetchRequestTopic topic in request.Topics.ToArray())
        {
            var partitions = new List<OffsetFetchResponse.OffsetFetchResponsePartition>();
            foreach (int index in topic.PartitionIndexes.ToArray())
            {
                partitions.Add(await FetchOldAsync(request.GroupId, topic.Name, index).ConfigureAwait(false));
            }

            topics.Add(new() { Name = topic.Name, Partitions = partitions });
        }

        return new OffsetFetchResponse { Topics = topics };
    }

    private async Task<OffsetFetchResponse.OffsetFetchResponsePartition> FetchOldAsync(string group, string topic, int index)
    {
        bool exists = services.Metadata.Current.Topic(topic) is { } image && (uint)index < (uint)image.Partitions.Count;
        long? offset = null;
        try
        {
            offset = exists ? await _old.ReadAsync(group, topic, index).ConfigureAwait(false) : null;
        }
        catch (CoordinationException refused) when (refused.Error == CoordinationError.BadArguments)
        {
            // A group of this name cannot have a node, so it has no offsets.
        }

        return new() { PartitionIndex = index, CommittedOffset = offset ?? -1, Metadata = "", ErrorCode = offset is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.None };
    }
}
