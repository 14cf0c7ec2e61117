using Broker.Cluster;
using Broker.Coordination;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// FindCoordinator (key 10): which broker coordinates a group or a transactional id. Creates __consumer_offsets or __transaction_state on first
/// use, so the first answer already names this broker. v1 key types, v4 many keys at once. Key types 0 (group) and 1 (transaction) have coordinators here.
/// </summary>
internal sealed class FindCoordinatorHandler(BrokerServices services) : ApiHandler<FindCoordinatorRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.FindCoordinator, 0, 6);

    private const sbyte GroupKey = 0;
    private const sbyte TransactionKey = 1;
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
        if (keyType is not (GroupKey or TransactionKey))
        {
            return Failed(key, ErrorCode.InvalidRequest, $"Coordinator key type {keyType} is not served by this broker; it coordinates groups (key type 0) and transactions (key type 1)");
        }

        string name = keyType == GroupKey ? InternalTopics.ConsumerOffsets : InternalTopics.TransactionState;
        TopicImage? topic = await services.AutoCreation.EnsureInternalAsync(name).ConfigureAwait(false);
        if (topic is null)
        {
            return Failed(key, ErrorCode.CoordinatorNotAvailable, $"{name} could not be created; the broker's log says why");
        }

        PartitionImage partition = topic.Partitions[CoordinatorKey.PartitionFor(key, topic.Partitions.Count)];
        BrokerImage? leader = services.Metadata.Current.Broker(partition.Leader);
        return leader?.Endpoint(listener) is { } endpoint && !services.Cluster.Suspects.Contains(leader.Id)
            ? new() { Key = key, NodeId = leader.Id, Host = endpoint.Host, Port = endpoint.Port }
            : Failed(key, ErrorCode.CoordinatorNotAvailable, null);
    }

    private static FindCoordinatorResponse.Coordinator Failed(string key, ErrorCode error, string? message) =>
        new() { Key = key, ErrorCode = error, ErrorMessage = message, NodeId = -1, Host = "", Port = -1 };
}
