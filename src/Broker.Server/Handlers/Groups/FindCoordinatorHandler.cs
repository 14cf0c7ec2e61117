using Broker.Cluster;
using Broker.Coordination;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// FindCoordinator (key 10): which broker coordinates a group. Creates __consumer_offsets on first use, so the first answer already names this
/// broker. v1 key types, v4 many keys at once. Only key type 0 (group) has a coordinator here.
/// </summary>
internal sealed class FindCoordinatorHandler(BrokerServices services) : ApiHandler<FindCoordinatorRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.FindCoordinator, 0, 6);

    private const sbyte GroupKey = 0;
    private const int FirstBatchedVersion = 4;

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, FindCoordinatorRequest request)
    {
        if (context.ApiVersion < FirstBatchedVersion)
        {
            FindCoordinatorResponse.Coordinator one = await FindAsync(request.Key, request.KeyType, context.ListenerName).ConfigureAwait(false);
            return new FindCoordinatorResponse { ErrorCode = one.ErrorCode, ErrorMessage = one.ErrorMessage, NodeId = one.NodeId, Host = one.Host, Port = one.Port };
        }

        var found = new List<FindCoordinatorResponse.Coordinator>(request.CoordinatorKeys.Count);
        foreach (string key in request.CoordinatorKeys.ToArray())
        {
            found.Add(await FindAsync(key, request.KeyType, context.ListenerName).ConfigureAwait(false));
        }

        return new FindCoordinatorResponse { Coordinators = found };
    }

    private async ValueTask<FindCoordinatorResponse.Coordinator> FindAsync(string key, sbyte keyType, string listener)
    {
        if (keyType != GroupKey)
        {
            return Failed(key, ErrorCode.InvalidRequest, $"Coordinator key type {keyType} is not served by this broker; it coordinates groups (key type 0)");
        }

        TopicImage? offsets = await services.AutoCreation.EnsureInternalAsync(InternalTopics.ConsumerOffsets).ConfigureAwait(false);
        if (offsets is null)
        {
            return Failed(key, ErrorCode.CoordinatorNotAvailable, $"{InternalTopics.ConsumerOffsets} could not be created; the broker's log says why");
        }

        PartitionImage partition = offsets.Partitions[CoordinatorKey.PartitionFor(key, offsets.Partitions.Count)];
        BrokerImage? leader = services.Metadata.Current.Broker(partition.Leader);
        return leader?.Endpoint(listener) is { } endpoint
            ? new() { Key = key, NodeId = leader.Id, Host = endpoint.Host, Port = endpoint.Port }
            : Failed(key, ErrorCode.CoordinatorNotAvailable, null);
    }

    private static FindCoordinatorResponse.Coordinator Failed(string key, ErrorCode error, string? message) =>
        new() { Key = key, ErrorCode = error, ErrorMessage = message, NodeId = -1, Host = "", Port = -1 };
}
