using Broker.Cluster;
using Broker.Protocol;

namespace Broker.Server;

/// <summary>
/// An API that brokers use among each other. Taken on the inter-broker listener only, and only where there is a cluster: whoever sends it elsewhere loses the
/// connection.
/// </summary>
internal abstract class InterBrokerHandler<TRequest>(BrokerServices services) : ApiHandler<TRequest>
    where TRequest : class, IMessage
{
    protected ClusterController Controller => services.Controller;

    protected sealed override async ValueTask<IMessage?> HandleAsync(RequestContext context, TRequest request)
    {
        string listener = services.Config.Current.InterBrokerListenerName;
        return context.ListenerName == listener
            ? await AnswerAsync(request).ConfigureAwait(false)
            : throw new CloseConnectionException($"{context.ApiKey} came in on listener {context.ListenerName}; brokers use {listener} (inter.broker.listener.name)");
    }

    protected abstract ValueTask<IMessage> AnswerAsync(TRequest request);
}
