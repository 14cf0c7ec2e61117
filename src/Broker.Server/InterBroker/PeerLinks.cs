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
    private readonly ConcurrentDictionary<int, (SemaphoreSlim Gate, PeerLink Link)> _links = new();

    public TimeSpan Timeout => options.ControlTimeout;

    /// <summary>Null when the broker is not known or did not answer: the caller tries again.</summary>
    public async ValueTask<T?> AskAsync<T>(int broker, ApiKey api, short version, IMessage request, CancellationToken stop)
        where T : class, IMessage
    {
        if (metadata.Current.Broker(broker)?.Endpoint(options.Listener) is not { } endpoint)
        {
            return null;
        }

        (SemaphoreSlim gate, PeerLink link) = _links.GetOrAdd(broker, static (_, options) => (new SemaphoreSlim(1, 1), new PeerLink(options, options.ClientId, options.ControlTimeout)), options);
        await gate.WaitAsync(stop).ConfigureAwait(false);
        try
        {
            PeerConnection connection = await link.ConnectAsync(endpoint, stop).ConfigureAwait(false);
            return await connection.AskAsync<T>(api, version, request, options.ControlTimeout, stop).ConfigureAwait(false);
        }
        catch (Exception e) when (PeerConnection.IsFailure(e, stop))
        {
            InterBrokerLog.PeerFailed(logger, api, broker, e.Message);
            link.Disconnect();
            return null;
        }
        finally
        {
            gate.Release();
        }
    }

    public void Dispose()
    {
        foreach ((SemaphoreSlim gate, PeerLink link) in _links.Values)
        {
            link.Dispose();
            gate.Dispose();
        }
    }
}
