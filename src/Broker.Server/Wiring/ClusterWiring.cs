using Broker.Cluster;
using Broker.Configuration;
using Broker.Protocol;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.Server;

/// <summary>This broker's ties to the others of its cluster. In a single broker everything here answers for itself and nothing is connected.</summary>
internal sealed class ClusterWiring(ConfigStore config, int brokerId, PeerOptions peers, MetadataStore metadata, ILoggerFactory loggers) : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private ClusterController _own = null!;
    private RemoteBrokers? _remote;
    private PeerWatch? _watch;
    private PeerWatch? _neighbours;
    private ReplicaFetchers? _fetchers;
    private TimeProvider _time = TimeProvider.System;

    public bool IsShared { get; private set; }

    public PeerLinks Peers { get; } = new(metadata, peers, loggers.CreateLogger<PeerLinks>());

    public ControllerLink Controller { get; private set; } = null!;

    /// <summary>Null in a single broker.</summary>
    public IsrUpdates? IsrUpdates { get; private set; }

    /// <summary>Null in a single broker.</summary>
    public ReplicationThrottles? Throttles { get; private set; }

    /// <summary>Brokers that clients are better not sent to at this moment.</summary>
    public IReadOnlyCollection<int> Suspects => _neighbours?.Suspects() ?? [];

    /// <summary>Until it is known, as far as that takes some milliseconds, which of the brokers are among <see cref="Suspects"/>.</summary>
    public ValueTask HearAsync(IReadOnlyCollection<int> brokers) => _neighbours?.HearAsync(brokers) ?? ValueTask.CompletedTask;

    /// <summary>For a controller whose tree others share. Call before <see cref="Connect"/>.</summary>
    public ClusterLinks Links(TreeWiring trees, TimeProvider time)
    {
        _remote = new RemoteBrokers(peers, loggers.CreateLogger<RemoteBrokers>());
        _watch = new PeerWatch(peers, time, loggers.CreateLogger<PeerWatch>());
        return new ClusterLinks
        {
            Remote = _remote,
            Watch = _watch,
            OpenTree = trees.ReopenAsync,
            InterBrokerListener = peers.Listener,
            Balance = Balance(config.Current),
            RegistrationPatience = trees.RegistrationPatience,
        };
    }

    private static BalancePolicy? Balance(BrokerConfig current) => current.Get(ConfigKeys.AutoLeaderRebalanceEnable)
        ? new BalancePolicy(TimeSpan.FromSeconds(current.Get(ConfigKeys.LeaderImbalanceCheckIntervalSeconds)), current.Get(ConfigKeys.LeaderImbalancePerBrokerPercentage))
        : null;

    public void Connect(ClusterController own, ReplicaManager replicas, bool isShared, TimeProvider time)
    {
        _own = own;
        _time = time;
        IsShared = isShared;
        Controller = new ControllerLink(brokerId, own, metadata, Peers);
        if (!isShared)
        {
            return;
        }

        Throttles = ReplicationThrottles.From(config, brokerId, time);
        _fetchers = new ReplicaFetchers(
            brokerId, () => own.BrokerEpoch, metadata, peers, FetcherOptions.From(config.Current) with { Throttles = Throttles }, config.Current.Get(ConfigKeys.NumReplicaFetchers), time, loggers.CreateLogger<ReplicaFetchers>());
        replicas.Fetchers = _fetchers;
        replicas.OnBrokerConfig(() => replicas.OnFetcherCount(config.Current.Get(ConfigKeys.NumReplicaFetchers)));
        // What it notices is said by the one that judges.
        PeerWatch neighbours = _neighbours = new PeerWatch(peers, time, NullLogger<PeerWatch>.Instance);
        replicas.OnLiveBrokers(live => neighbours.Watch([.. live.Where(b => b.Id != brokerId)]));
        IsrUpdates = new IsrUpdates(
            replicas, Controller, () => own.BrokerEpoch, () => config.Current.Get(ConfigKeys.ReplicaLagTimeMaxMs), time, loggers.CreateLogger<IsrUpdates>());
        IsrUpdates.Start();
    }

    /// <summary>Returns when the broker knows the cluster, so that whoever is told that it is ready is not told that there are no topics.</summary>
    public Task StartAsync(CancellationToken stop) => IsShared ? _own.Informed.WaitAsync(stop) : Task.CompletedTask;

    /// <summary>Asks the controller to let others lead (controlled.shutdown.*). Without it they do so when the session is over.</summary>
    public async Task HandOverAsync(CancellationToken stop)
    {
        BrokerConfig current = config.Current;
        if (!IsShared || _stopping.IsCancellationRequested || !_own.Informed.IsCompleted || !current.Get(ConfigKeys.ControlledShutdownEnable))
        {
            return;
        }

        int attempts = Math.Max(1, current.Get(ConfigKeys.ControlledShutdownMaxRetries));
        for (int attempt = 1; attempt <= attempts; attempt++)
        {
            try
            {
                int? remaining = await Controller.ControlledShutdownAsync(stop).ConfigureAwait(false);
                if (remaining == 0 || metadata.Current.Brokers.All(b => b.Id == brokerId))
                {
                    return;
                }

                InterBrokerLog.ShutdownRemaining(loggers.CreateLogger<ControllerLink>(), remaining ?? -1, attempt, attempts);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // No time is left to be relieved: others take over when the session is over.
                return;
            }
            catch (Exception e) when (e is CoordinationException or InvalidOperationException or NotControllerException or StaleBrokerEpochException)
            {
                InterBrokerLog.ControllerFailed(loggers.CreateLogger<ControllerLink>(), ApiKey.ControlledShutdown, metadata.Current.ControllerId, e.Message);
            }

            if (attempt < attempts)
            {
                var pause = TimeSpan.FromMilliseconds(current.Get(ConfigKeys.ControlledShutdownRetryBackoffMs));
                await Task.WhenAny(Task.Delay(pause, _time, CancellationToken.None), Task.Delay(Timeout.InfiniteTimeSpan, stop)).ConfigureAwait(false);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (IsrUpdates is not null)
        {
            await IsrUpdates.DisposeAsync().ConfigureAwait(false);
        }

        if (_fetchers is not null)
        {
            await _fetchers.DisposeAsync().ConfigureAwait(false);
        }

        if (_remote is not null)
        {
            await _remote.DisposeAsync().ConfigureAwait(false);
        }

        foreach (PeerWatch? watch in (PeerWatch?[])[_watch, _neighbours])
        {
            await (watch?.DisposeAsync() ?? ValueTask.CompletedTask).ConfigureAwait(false);
        }

        Peers.Dispose();
    }
}
