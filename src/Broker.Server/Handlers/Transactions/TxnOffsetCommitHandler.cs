using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// TxnOffsetCommit (key 28): offsets that count once the transaction commits. v3 names member and generation, v4 may answer TRANSACTION_ABORTABLE, v5 adds
/// the offsets to the transaction by itself.
/// </summary>
internal sealed class TxnOffsetCommitHandler(BrokerServices services) : ApiHandler<TxnOffsetCommitRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.TxnOffsetCommit, 0, 5);

    private readonly TransactionVerifier _verifier = new(services);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, TxnOffsetCommitRequest request) =>
        await services.Groups.TxnOffsetCommitAsync(
            request,
            partition => _verifier.VerifyOffsetsAsync(request, partition, context.ApiVersion),
            context.Caller).ConfigureAwait(false);
}
