using Broker.Cluster;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>
/// One <see cref="PeerLifeline"/> for each registration that is watched. A broker has two: by the first the controller judges all others, and all others the controller; by the
/// second every broker knows of every other whether to send clients there.
/// </summary>
internal sealed class PeerWatch(PeerOptions options, TimeProvider time, ILogger<PeerWatch> logger) : IBrokerWatch, IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, PeerLifeline> _lifelines = [];
    private readonly List<Task> _ending = [];

    public event Action? Changed;

    public void Watch(IReadOnlyList<BrokerImage> brokers)
    {
        lock (_lock)
        {
            _ending.RemoveAll(task => task.IsCompleted);
            foreach (PeerLifeline lifeline in _lifelines.Values.ToArray())
            {
                if (!brokers.Any(b => b.Epoch == lifeline.Broker.Epoch && b.Id == lifeline.Broker.Id && b.Endpoint(options.Listener) == lifeline.Endpoint))
                {
                    _lifelines.Remove(lifeline.Broker.Id);
                    _ending.Add(lifeline.DisposeAsync().AsTask());
                }
            }

            foreach (BrokerImage broker in brokers)
            {
                if (!_lifelines.ContainsKey(broker.Id) && broker.Endpoint(options.Listener) is { } endpoint)
                {
                    _lifelines[broker.Id] = new PeerLifeline(broker, endpoint, options.ControlTimeout, time, logger, () => Changed?.Invoke());
                }
            }
        }
    }

    public bool Refuses(BrokerImage broker)
    {
        lock (_lock)
        {
            return _lifelines.TryGetValue(broker.Id, out PeerLifeline? lifeline) && lifeline.Broker.Epoch == broker.Epoch && lifeline.Refuses;
        }
    }

    /// <summary>Those of the watched that have just closed a connection, of whom nobody can say yet what is the matter.</summary>
    public IReadOnlyCollection<int> Suspects()
    {
        lock (_lock)
        {
            List<int>? suspects = null;
            foreach (PeerLifeline lifeline in _lifelines.Values)
            {
                if (lifeline.IsSuspect)
                {
                    (suspects ??= []).Add(lifeline.Broker.Id);
                }
            }

            return suspects ?? (IReadOnlyCollection<int>)[];
        }
    }

    /// <summary>
    /// Completes when each of the brokers has given a sign of life since, or has closed its connection and is among the <see cref="Suspects"/>; sooner for those that are known to be silent.
    /// </summary>
    public async ValueTask HearAsync(IReadOnlyCollection<int> brokers)
    {
        List<Task>? silent = null;
        lock (_lock)
        {
            foreach (PeerLifeline lifeline in _lifelines.Values)
            {
                if (brokers.Contains(lifeline.Broker.Id) && lifeline.HearAsync() is { IsCompleted: false } answer)
                {
                    (silent ??= []).Add(answer);
                }
            }
        }

        if (silent is not null)
        {
            // Nothing fails but the patience.
            await Task.WhenAll(silent).WaitAsync(PeerLifeline.LongestSilence, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Watch([]);
        await Task.WhenAll(_ending).ConfigureAwait(false);
    }
}
