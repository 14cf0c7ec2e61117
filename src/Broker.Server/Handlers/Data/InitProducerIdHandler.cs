using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// InitProducerId (key 22): gives producers an id and an epoch. For a transactional id the coordinator answers, after it has ended what an earlier producer
/// left open. v3 lets a producer that lost its place bump its epoch (KIP-360), v4 may answer PRODUCER_FENCED.
/// </summary>
internal sealed class InitProducerIdHandler(BrokerServices services) : ApiHandler<InitProducerIdRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.InitProducerId, 0, 5);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, InitProducerIdRequest request)
    {
        if (request.TransactionalId is not null)
        {
            return await services.Transactions.InitProducerIdAsync(request, services.ProducerIds.NextAsync, context.Caller).ConfigureAwait(false);
        }

        // Without a transactional id nobody can vouch for the old id, so a bump is answered by a fresh one, as Kafka does.
        long id = await services.ProducerIds.NextAsync().ConfigureAwait(false);
        return id < 0
            ? new InitProducerIdResponse { ErrorCode = ErrorCode.CoordinatorLoadInProgress, ProducerId = -1, ProducerEpoch = -1 }
            : new InitProducerIdResponse { ProducerId = id, ProducerEpoch = 0 };
    }
}
