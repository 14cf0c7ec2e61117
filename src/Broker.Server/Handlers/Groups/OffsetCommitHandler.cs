using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// OffsetCommit (key 8): commits offsets of a group. v0 writes where old consumers keep offsets, under /consumers; v1 checks the generation, v2 to v4
/// carry a retention, v6 leader epochs, v7 static members.
/// </summary>
internal sealed class OffsetCommitHandler(BrokerServices services) : ApiHandler<OffsetCommitRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.OffsetCommit, 0, 9);

    private readonly OldConsumerOffsets _old = new(services);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, OffsetCommitRequest request) =>
        context.ApiVersion == 0
            ? await Task.Run(() => CommitOldAsync(request)).ConfigureAwait(false)
            : await services.Groups.OffsetCommitAsync(request, context.Caller).ConfigureAwait(false);

    private async Task<OffsetCommitResponse> CommitOldAsync(OffsetCommitRequest request)
    {
        var topics = new List<OffsetCommitResponse.OffsetCommitResponseTopic>();
        foreach (OffsetCommitRequest.OffsetCommitRequestTopic topic in request.Topics.ToArray())
        {
            var partitions = new List<OffsetCommitResponse.OffsetCommitResponsePartition>();
            foreach (OffsetCommitRequest.OffsetCommitRequestPartition partition in topic.Partitions.ToArray())
            {
                partitions.Add(new() { PartitionIndex = partition.PartitionIndex, ErrorCode = await CommitOldAsync(request.GroupId, topic.Name, partition).ConfigureAwait(false) });
            }

            topics.Add(new() { Name = topic.Name, Partitions = partitions });
        }

        return new OffsetCommitResponse { Topics = topics };
    }

    private async Task<ErrorCode> CommitOldAsync(string group, string topic, OffsetCommitRequest.OffsetCommitRequestPartition partition)
    {
        if (services.Metadata.Current.Topic(topic) is not { } image || (uint)partition.PartitionIndex >= (uint)image.Partitions.Count)
        {
            return ErrorCode.UnknownTopicOrPartition;
        }

        if ((partition.CommittedMetadata?.Length ?? 0) > services.Config.Current.Get(Configuration.ConfigKeys.OffsetMetadataMaxBytes))
        {
            return ErrorCode.OffsetMetadataTooLarge;
        }

        try
        {
            await _old.WriteAsync(group, topic, partition.PartitionIndex, partition.CommittedOffset).ConfigureAwait(false);
            return ErrorCode.None;
        }
        catch (CoordinationException refused) when (refused.Error == CoordinationError.BadArguments)
        {
            return ErrorCode.InvalidGroupId;
        }
    }
}
