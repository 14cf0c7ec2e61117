using System.Threading.Channels;
using Broker.Cluster;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>A request of the controller on its way to a broker.</summary>
internal sealed record ControlRequest(ApiKey Api, IMessage Request, Action<IMessage>? Answered)
{
    /// <summary>The versions of inter.broker.protocol.version 3.9.</summary>
    public short Version => Api switch
    {
        ApiKey.LeaderAndIsr => 7,
        ApiKey.StopReplica => 4,
        ApiKey.UpdateMetadata => 8,
        _ => throw new InvalidOperationException($"{Api} is no request of a controller"),
    };
}

/// <summary>
/// The controller's requests to one registration of one broker: in order, one unanswered at a time, each repeated on a new connection until it is answered.
/// Ends when the registration does; what still waits then is dropped, since a broker that comes back is told everything.
/// </summary>
internal sealed class ControlChannel : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    private readonly PeerOptions _options;
    private readonly ILogger _logger;
    private readonly Channel<ControlRequest> _queue = Channel.CreateUnbounded<ControlRequest>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _worker;
    private readonly PeerLink _link;

    public ControlChannel(BrokerImage broker, PeerOptions options, ILogger logger)
    {
        Broker = broker;
        _options = options;
        _logger = logger;
        _link = new PeerLink(options, options.ClientId, options.ControlTimeout);
        _worker = Task.Run(WorkAsync);
    }

    public BrokerImage Broker { get; }

    public void Send(ControlRequest request) => _queue.Writer.TryWrite(request);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _worker.ConfigureAwait(false);
        _link.Dispose();
        _stopping.Dispose();
    }

    private async Task WorkAsync()
    {
        CancellationToken stop = _stopping.Token;
        try
        {
            await foreach (ControlRequest request in _queue.Reader.ReadAllAsync(stop).ConfigureAwait(false))
            {
                for (bool isFirst = true; !await TrySendAsync(request, isFirst, stop).ConfigureAwait(false); isFirst = false)
                {
                    await Task.Delay(Pause, stop).ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The broker is gone, or the office is.
        }
    }

    private async ValueTask<bool> TrySendAsync(ControlRequest request, bool isFirst, CancellationToken stop)
    {
        try
        {
            EndpointImage endpoint = Broker.Endpoint(_options.Listener)
                ?? throw new IOException($"Broker {Broker.Id} has no listener {_options.Listener}: inter.broker.listener.name must be the same on all brokers");
            PeerConnection connection = await _link.ConnectAsync(endpoint, stop).ConfigureAwait(false);
            IMessage answer = await connection.AskAsync<IMessage>(request.Api, request.Version, request.Request, _options.ControlTimeout, stop).ConfigureAwait(false);
            request.Answered?.Invoke(answer);
            return true;
        }
        catch (Exception e) when (PeerConnection.IsFailure(e, stop))
        {
            if (isFirst)
            {
                InterBrokerLog.NotSent(_logger, request.Api, Broker.Id, e.Message);
            }

            _link.Disconnect();
            return false;
        }
    }
}
