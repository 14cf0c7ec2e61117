using System.Collections.Concurrent;
using Broker.Cluster;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>
/// Requests to other brokers that come now and then. One connection to each, made when it is first needed and again after a failure, used by one request at a time.
/// Answers have memory of their own. Thread-safe.
/// </summary>
internal sealed class PeerLinks(MetadataStore metadata, PeerOptions options, ILogger<PeerLinks> logger) : IDisposable
{
    private readonly ConcurrentDictionary<int, Link> _links = new();

    public TimeSpan Timeout => options.ControlTimeout;

    /// <summary>Null when the broker is not known or did not answer: the caller tries again.</summary>
    public async ValueTask<T?> AskAsync<T>(int broker, ApiKey api, short version, IMessage request, CancellationToken stop)
        where T : class, IMessage
    {
        if (metadata.Current.Broker(broker)?.Endpoint(options.Listener) is not { } endpoint)
        {
            return null;
        }

        Link link = _links.GetOrAdd(broker, static _ => new Link());
        await link.Gate.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            if (link.ConnectedTo != endpoint)
            {
                link.Disconnect();
            }

            link.Connection ??= await PeerConnection.ConnectAsync(endpoint, options.ClientId, options.MaxFrameBytes, options.ControlTimeout, stop).ConfigureAwait(false);
            link.ConnectedTo = endpoint;
            return await link.Connection.AskAsync<T>(api, version, request, options.ControlTimeout, stop).ConfigureAwait(false);
        }
        catch (Exception e) when (PeerConnection.IsFailure(e, stop))
        {
            InterBrokerLog.PeerFailed(logger, api, broker, e.Message);
            link.Disconnect();
            return null;
        }
        finally
        {
            link.Gate.Release();
        }
    }

    public void Dispose()
    {
        foreach (Link link in _links.Values)
        {
            link.Disconnect();
            link.Gate.Dispose();
        }
    }

    private sealed class Link
    {
        public SemaphoreSlim Gate { get; } = new(1, 1);

        public PeerConnection? Connection { get; set; }

        public EndpointImage? ConnectedTo { get; set; }

        public void Disconnect()
        {
            Connection?.Dispose();
            Connection = null;
            ConnectedTo = null;
        }
    }
}
