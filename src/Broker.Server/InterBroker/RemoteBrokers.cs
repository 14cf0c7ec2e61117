using Broker.Cluster;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>One <see cref="ControlChannel"/> for each live broker beside this one. The controller's thread is the only caller.</summary>
internal sealed class RemoteBrokers(PeerOptions options, ILogger<RemoteBrokers> logger) : IRemoteBrokers, IAsyncDisposable
{
    private readonly Dictionary<int, ControlChannel> _channels = [];
    private readonly List<Task> _ending = [];

    public void SetLive(IReadOnlyList<BrokerImage> brokers)
    {
        _ending.RemoveAll(task => task.IsCompleted);
        foreach (ControlChannel channel in _channels.Values.ToArray())
        {
            if (!brokers.Any(b => b.Id == channel.Broker.Id && b.Epoch == channel.Broker.Epoch))
            {
                _channels.Remove(channel.Broker.Id);
                _ending.Add(channel.DisposeAsync().AsTask());
            }
        }

        foreach (BrokerImage broker in brokers)
        {
            if (!_channels.ContainsKey(broker.Id))
            {
                _channels[broker.Id] = new ControlChannel(broker, options, logger);
            }
        }
    }

    public void Send(int broker, ApiKey api, IMessage request, Action<IMessage>? answered = null)
    {
        if (_channels.TryGetValue(broker, out ControlChannel? channel))
        {
            channel.Send(new ControlRequest(api, request, answered));
        }
    }

    public async ValueTask DisposeAsync()
    {
        SetLive([]);
        await Task.WhenAll(_ending).ConfigureAwait(false);
    }
}
