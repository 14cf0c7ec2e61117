using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// InitProducerId (key 22): gives idempotent producers an id. v3 lets a producer that lost its place bump its epoch (KIP-360).
/// Transactional ids have no coordinator here and are refused.
/// </summary>
internal sealed class InitProducerIdHandler(BrokerServices services) : ApiHandler<InitProducerIdRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.InitProducerId, 0, 5);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, InitProducerIdRequest request)
    {
        if (request.TransactionalId is not null)
        {
            return Failed(request.TransactionalId.Length == 0 ? ErrorCode.InvalidRequest : ErrorCode.TransactionalIdAuthorizationFailed);
        }

        // Without a transactional id nobody can vouch for the old id, so a bump is answered by a fresh one, as Kafka does.
        long id = await services.ProducerIds.NextAsync().ConfigureAwait(false);
        return id < 0 ? Failed(ErrorCode.CoordinatorLoadInProgress) : new InitProducerIdResponse { ProducerId = id, ProducerEpoch = 0 };
    }

    private static InitProducerIdResponse Failed(ErrorCode error) => new() { ErrorCode = error, ProducerId = -1, ProducerEpoch = -1 };
}
