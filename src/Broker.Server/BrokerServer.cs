using Broker.Cluster;
using Broker.Configuration;
using Broker.Coordination;
using Broker.Network;
using Broker.Protocol;
using Broker.Storage;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>
/// One broker: made from a configuration snapshot, started once, stopped once. The owner disposes it after it stopped. Starts from the inside out
/// (tree, logs, controller, coordinators) and opens its sockets to clients last, so that whoever connects is answered.
/// </summary>
public sealed class BrokerServer : IAsyncDisposable
{
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(10);

    private readonly BrokerConfig _config;
    private readonly TimeProvider _time;
    private readonly ILoggerFactory _loggers;
    private readonly CancellationTokenSource _stopping = new();
    private ICoordinationTree? _tree;
    private ClusterWiring? _cluster;
    private LogManager? _logs;
    private ReplicaManager? _replicas;
    private NetworkServer? _network;
    private ClusterController? _controller;
    private GroupCoordinator? _groups;
    private TransactionCoordinator? _transactions;

    public BrokerServer(BrokerConfig config, TimeProvider time, ILoggerFactory loggers)
    {
        _config = config;
        _time = time;
        _loggers = loggers;
    }

    /// <summary>What start-up found; complete when <see cref="StartAsync"/> has returned.</summary>
    public StartupReport Report { get; private set; } = new(BrokerId: 0, ClusterId: "", Listeners: [], DataDirectories: []);

    /// <summary>Writes one line about every partition here to the log: its offsets, its size, and why its oldest records are still there.</summary>
    public void LogPartitions()
    {
        var logger = _loggers.CreateLogger<BrokerServer>();
        long nowMs = _time.GetUtcNow().ToUnixTimeMilliseconds();
        PartitionLog[] logs = [.. _logs?.Logs ?? []];
        foreach (PartitionLog log in logs.OrderBy(log => log.TopicPartition.Topic, StringComparer.Ordinal).ThenBy(log => log.TopicPartition.Partition))
        {
            try
            {
                BrokerServerLog.Partition(logger, log.Describe(nowMs));
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                BrokerServerLog.PartitionUnread(logger, failure, log.TopicPartition);
            }
        }
    }

    /// <summary>Returns when the broker answers Metadata on every listener.</summary>
    /// <exception cref="LoadException">A log directory cannot be used.</exception>
    /// <exception cref="ListenerBindException">A listener cannot be bound.</exception>
    /// <exception cref="InvalidDataException">The coordination tree's files are damaged.</exception>
    /// <exception cref="InvalidOperationException">ZooKeeper cannot be reached, or the broker's id or an end point is taken.</exception>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        string home = _config.LogDirs[0];
        MetaProperties? meta = Directory.Exists(home) ? MetaProperties.Read(home) : null;
        var trees = new TreeWiring(_config, _time, _loggers);
        _tree = await trees.OpenAsync(cancellationToken).ConfigureAwait(false);
        if (!trees.IsShared)
        {
            await ClusterController.MarkNewTreeAsync(_tree).ConfigureAwait(false);
        }

        string clusterId = await trees.ResolveClusterIdAsync(_tree, meta).ConfigureAwait(false);
        int brokerId = await ResolveBrokerIdAsync(meta).ConfigureAwait(false);
        var config = new ConfigStore(_config, brokerId);
        config.Apply(await ClusterController.ReadBrokerConfigsAsync(_tree).ConfigureAwait(false));
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> topicConfigs = await ClusterController.ReadTopicConfigsAsync(_tree).ConfigureAwait(false);

        _logs = new LogManager(LogOptions(config, topicConfigs, brokerId, clusterId, LogDirMoves.Options(config, _time)), _time, _loggers);
        await _logs.LoadAsync(cancellationToken).ConfigureAwait(false);
        await new LogAdoption(config, _logs, _loggers.CreateLogger<LogAdoption>()).RunAsync(_tree, brokerId).ConfigureAwait(false);

        var metadata = new MetadataStore(_time);
        ReplicaManager replicas = _replicas = new ReplicaManager(brokerId, _logs, config, _time, _loggers.CreateLogger<ReplicaManager>());
        _cluster = new ClusterWiring(config, brokerId, PeerOptions.From(config.Current, brokerId), metadata, _loggers);
        _controller = new ClusterController(
            _tree, metadata, replicas, Policy(config, isNew: !trees.IsShared && _logs.Logs.Count == 0), _time, _loggers.CreateLogger<ClusterController>(), trees.IsShared ? _cluster.Links(trees, _time) : null);
        _cluster.Connect(_controller, replicas, trees.IsShared, _time);
        _logs.RoomFound += replicas.OnRoomFound;
        _logs.DirectoryFailed += () => replicas.OnDirectoryFailed(_controller.OnDirectoryFailed);
        _groups = GroupsWiring.Create(config, metadata, replicas, _time, _loggers);
        var markers = new TransactionMarkers(replicas, metadata, _groups, new RemoteMarkers(_cluster.Peers), _time, _loggers.CreateLogger<TransactionMarkers>());
        _transactions = TransactionsWiring.Create(config, metadata, replicas, markers, _time, _loggers);
        BrokerServices services = Services(config, metadata, replicas, markers, brokerId);
        _network = new NetworkServer(NetworkWiring.Options(config.Current), new RequestDispatcher(new HandlerTable(services), _loggers.CreateLogger<RequestDispatcher>()), _time, _loggers);
        replicas.OnBrokerConfig(() => _network.UpdateConnectionLimits(NetworkWiring.Limits(config.Current)));
        await _network.BindAsync().ConfigureAwait(false);

        IReadOnlyDictionary<string, EndpointImage> endpoints = NetworkWiring.Advertised(_config, _network.BoundEndpoints);
        await _controller.StartAsync(new BrokerRegistration(brokerId, _config.Get(ConfigKeys.BrokerRack), endpoints)).ConfigureAwait(false);
        _groups.Start();
        _transactions.Start();
        _network.StartAccepting();
        await _cluster.StartAsync(cancellationToken).ConfigureAwait(false);
        if (trees.IsShared)
        {
            replicas.ReportStray(metadata.Current);
        }

        Report = NetworkWiring.Report(brokerId, clusterId, _config, _network.BoundEndpoints, endpoints);
    }

    /// <summary>Finishes the requests taken, flushes and writes the clean-shutdown mark.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_cluster is not null)
        {
            // While it still serves: others take over before clients notice.
            await _cluster.HandOverAsync(cancellationToken).ConfigureAwait(false);
        }

        await _stopping.CancelAsync().ConfigureAwait(false);
        _replicas?.Limits.End();
        if (_network is not null)
        {
            await _network.StopAsync(StopGrace).ConfigureAwait(false);
        }

        if (_transactions is not null)
        {
            await _transactions.DisposeAsync().ConfigureAwait(false);
        }

        if (_groups is not null)
        {
            await _groups.DisposeAsync().ConfigureAwait(false);
        }

        if (_controller is not null)
        {
            await _controller.DisposeAsync().ConfigureAwait(false);
            _tree = _controller.Tree;
        }

        if (_cluster is not null)
        {
            await _cluster.DisposeAsync().ConfigureAwait(false);
            if (_cluster.IsShared)
            {
                // Others need not wait for the disks here to be told that the office is free.
                await _tree!.DisposeAsync().ConfigureAwait(false);
            }
        }

        if (_logs is not null)
        {
            await _logs.ShutdownAsync().ConfigureAwait(false);
        }

        if (_tree is not null)
        {
            await _tree.DisposeAsync().ConfigureAwait(false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_stopping.IsCancellationRequested)
        {
            await StopAsync(CancellationToken.None).ConfigureAwait(false);
        }

        _stopping.Dispose();
        _replicas?.Limits.Dispose();
    }

    /// <summary>The configured id, else the one this data directory had before, else a new one above the reserved range.</summary>
    private async Task<int> ResolveBrokerIdAsync(MetaProperties? meta)
    {
        if (_config.BrokerId >= 0)
        {
            return _config.BrokerId;
        }

        if (meta?.BrokerId is { } stored)
        {
            return stored;
        }

        return _config.Get(ConfigKeys.BrokerIdGenerationEnable)
            ? await ClusterController.NextBrokerIdAsync(_tree!, _config.Get(ConfigKeys.ReservedBrokerMaxId)).ConfigureAwait(false)
            : throw new LoadException("No broker ID found, and broker.id.generation.enable is false. Set broker.id to a number from 0 on");
    }

    private LogManagerOptions LogOptions(
        ConfigStore config, IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> topicConfigs, int brokerId, string clusterId, MoveOptions moves) => new()
    {
        Directories = _config.LogDirs,
        BrokerId = brokerId,
        ClusterId = clusterId,
        ConfigOf = topic => config.Topic(topicConfigs.GetValueOrDefault(topic) ?? new Dictionary<string, string>()),
        RecoveryThreadsPerDirectory = Math.Max(_config.Get(ConfigKeys.NumRecoveryThreadsPerDataDir), 2),
        MinFreeBytes = _config.Get(ConfigKeys.LogDirsMinFreeBytes),
        RetentionCheckIntervalMs = _config.Get(ConfigKeys.LogRetentionCheckIntervalMs),
        OffsetCheckpointIntervalMs = _config.Get(ConfigKeys.LogFlushOffsetCheckpointIntervalMs),
        HighWatermarkCheckpointIntervalMs = _config.Get(ConfigKeys.ReplicaHighWatermarkCheckpointIntervalMs),
        ProducerIdExpirationMs = _config.Get(ConfigKeys.ProducerIdExpirationMs),
        VerifiesTransactions = () => config.Current.Get(ConfigKeys.TransactionPartitionVerificationEnable),
        Cleaner = () => CleanerOptions(config.Current),
        Moves = () => moves,
    };

    private static CleanerOptions CleanerOptions(BrokerConfig config) => new()
    {
        IsEnabled = config.Get(ConfigKeys.LogCleanerEnable),
        Threads = config.Get(ConfigKeys.LogCleanerThreads),
        DedupeBufferBytes = config.Get(ConfigKeys.LogCleanerDedupeBufferSize),
        LoadFactor = config.Get(ConfigKeys.LogCleanerIoBufferLoadFactor),
        IoBufferBytes = config.Get(ConfigKeys.LogCleanerIoBufferSize),
        MaxBytesPerSecond = config.Get(ConfigKeys.LogCleanerIoMaxBytesPerSecond),
        BackoffMs = config.Get(ConfigKeys.LogCleanerBackoffMs),
    };

    private static ControllerPolicy Policy(ConfigStore config, bool isNew) => new()
    {
        DefaultPartitions = () => config.Current.Get(ConfigKeys.NumPartitions),
        DefaultReplicationFactor = () => (short)config.Current.Get(ConfigKeys.DefaultReplicationFactor),
        ValidateTopicConfig = overrides => TopicConfig.Validate(config.Current, overrides)?.Message,
        AllowsUncleanElection = overrides => config.Topic(overrides).UncleanLeaderElectionEnable,
        AllowsDeletion = () => config.DeleteTopicEnable,

        // A new broker protects the transactions of those clients that can do it. Logs that were taken over may go back to the version they came from, which
        // may not know the records of this level; and in a ZooKeeper brokers of that version would not start with it.
        FirstFeatureLevels = isNew ? new Dictionary<string, short> { [ClusterFeatures.TransactionVersion] = 2 } : [],
    };

    private BrokerServices Services(ConfigStore config, MetadataStore metadata, ReplicaManager replicas, TransactionMarkers markers, int brokerId) => new()
    {
        BrokerId = brokerId,
        Config = config,
        Metadata = metadata,
        Controller = _controller!,
        Cluster = _cluster!,
        Replicas = replicas,
        Groups = _groups!,
        Transactions = _transactions!,
        Markers = markers,
        FetchSessions = new FetchSessionCache(config.Current.Get(ConfigKeys.MaxIncrementalFetchSessionCacheSlots), _time),
        ReplicaSelection = _cluster!.IsShared ? ReplicaSelection.From(config.Current, metadata, brokerId) : null,
        ProducerIds = new ProducerIdAllocator(_cluster!.Controller),
        AutoCreation = new TopicAutoCreation(config, metadata, _cluster!.Controller, _loggers.CreateLogger<TopicAutoCreation>()),
        Time = _time,
        Stopping = _stopping.Token,
    };
}

internal static partial class BrokerServerLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "{Description}")]
    public static partial void Partition(ILogger logger, string description);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Partition} could not be described: its time index cannot be read")]
    public static partial void PartitionUnread(ILogger logger, Exception failure, TopicPartition partition);
}
