using System.Collections.Immutable;
using System.Threading.Channels;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Cluster;

/// <summary>
/// A broker's part in the cluster: its registration, and the controller's office while it holds it. The controller is the one writer of cluster metadata: every
/// decision is written to the coordination tree (fenced by the controller epoch), applied by the broker, swapped into <see cref="MetadataStore"/> and told to the
/// other brokers before its caller is answered. A broker without the office takes what the controller tells it (<c>.Member</c>). Either way one queue orders all
/// that changes the image. Uses nothing of the tree but its contract.
/// </summary>
public sealed partial class ClusterController : IAsyncDisposable
{
    /// <summary>Operations and, but for the last one's, bytes per multi: large enough that one sync covers many, small enough for ZooKeeper's 1 MB packets.</summary>
    private const int MultiChunk = 1000;
    private const int MultiChunkBytes = 512 * 1024;

    /// <summary>Far more than clients wait for at a time; each waiting change holds only its request.</summary>
    private const int QueueLimit = 10_000;
    private const long ProducerIdBlockSize = 1000;
    private const string NotTheController = "This is not the correct controller for this cluster.";

    private readonly MetadataStore _store;
    private readonly IReplicaHost _host;
    private readonly TopicPlanner _planner;
    private readonly ControllerPolicy _policy;
    private readonly TimeProvider _time;
    private readonly ILogger<ClusterController> _logger;
    private readonly Channel<Func<Task>> _queue = Channel.CreateBounded<Func<Task>>(new BoundedChannelOptions(QueueLimit) { SingleReader = true });
    private readonly ClusterLinks? _links;

    // Never disposed: disposal may come twice, and it owns no handle.
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource _informed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly WatchTrigger _office;
    private readonly WatchTrigger _brokersChanged;
    private readonly WatchTrigger _topicsChanged;
    private readonly WatchTrigger _deletionsAsked;
    private readonly WatchTrigger _electionsAsked;
    private readonly WatchTrigger _configsChanged;
    private readonly WatchTrigger _featuresChanged;
    private readonly WatchTrigger _directoryFailed;
    private readonly WatchTrigger _directoriesFailed;
    private readonly WatchTrigger _reassignmentsAsked;
    private readonly WatchTrigger _reassignmentsDue;
    private readonly WatchTrigger _refusalsChanged;
    private volatile ICoordinationTree _tree;
    private Task _worker = Task.CompletedTask;
    private BrokerRegistration _registration = null!;
    private long _brokerEpoch;
    private int _epoch;
    private int _epochVersion;
    private volatile bool _isActive;

    /// <param name="tree">The coordination tree; with links it is replaced when its session expires.</param>
    /// <param name="store">The image that this broker shows.</param>
    /// <param name="host">The broker itself.</param>
    /// <param name="policy">What the configuration says.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Hears of decisions.</param>
    /// <param name="links">The other brokers; null for a tree that no other broker shares.</param>
    public ClusterController(
        ICoordinationTree tree, MetadataStore store, IReplicaHost host, ControllerPolicy policy, TimeProvider time, ILogger<ClusterController> logger, ClusterLinks? links = null)
    {
        _tree = tree;
        _links = links;
        _time = time;
        _office = Trigger(_ => SeekOfficeAsync());
        _brokersChanged = Trigger(OnBrokersChangedAsync);
        _topicsChanged = Trigger(OnTopicsChangedAsync);
        _deletionsAsked = Trigger(OnDeletionsAskedAsync);
        _electionsAsked = Trigger(OnElectionsAskedAsync);
        _configsChanged = Trigger(OnConfigsChangedAsync);
        _featuresChanged = Trigger(OnFeaturesChangedAsync);
        _directoryFailed = Trigger(_ => AnnounceFailedDirectoryAsync());
        _directoriesFailed = Trigger(OnDirectoriesFailedAsync);
        _reassignmentsAsked = Trigger(OnReassignmentsAskedAsync);
        _reassignmentsDue = Trigger(_ => AdvanceReassignmentsAsync());
        _refusalsChanged = Trigger(_ => OnRefusalsChangedAsync());
        _store = store;
        _host = host;
        _planner = new TopicPlanner(policy, Random.Shared);
        _policy = policy;
        _logger = logger;
        if (links is not null)
        {
            links.Watch.Changed += _refusalsChanged.Fire;
        }
    }

    /// <summary>Whether this broker is the controller. It may have lost the office already without knowing; then the tree refuses what it writes.</summary>
    public bool IsActive => _isActive;

    /// <summary>The tree of the present session.</summary>
    public ICoordinationTree Tree => _tree;

    /// <summary>czxid of this broker's registration.</summary>
    public long BrokerEpoch => Volatile.Read(ref _brokerEpoch);

    /// <summary>Completes when this broker is the controller or has heard of one: from then on its image is the cluster's.</summary>
    public Task Informed => _informed.Task;

    private MetadataImage Image => _store.Current;

    private int Self => _registration.Id;

    /// <summary>
    /// The cluster's id in the tree, made when it is missing: <paramref name="wanted"/> (from meta.properties or the environment) or a random one.
    /// Call before the log directories are opened, which check it.
    /// </summary>
    public static async Task<string> ResolveClusterIdAsync(ICoordinationTree tree, string? wanted)
    {
        if (await tree.ExistsAsync(ZnodePaths.ClusterId).ConfigureAwait(false) is null)
        {
            await EnsurePathsAsync(tree, ["/cluster"]).ConfigureAwait(false);
            try
            {
                string id = wanted ?? Uuids.ToText(Guid.NewGuid());
                await tree.CreateAsync(ZnodePaths.ClusterId, ClusterIdZnode.Encode(id)).ConfigureAwait(false);
            }
            catch (CoordinationException e) when (e.Error == CoordinationError.NodeExists)
            {
                // Another broker that starts now was first: its id is the cluster's.
            }
        }

        return ClusterIdZnode.Decode((await tree.GetAsync(ZnodePaths.ClusterId).ConfigureAwait(false)).Data);
    }

    /// <summary>The cluster's id in the tree; null when it holds no cluster yet.</summary>
    public static async Task<string?> FindClusterIdAsync(ICoordinationTree tree) =>
        await TryGetAsync(tree, ZnodePaths.ClusterId).ConfigureAwait(false) is { } node ? ClusterIdZnode.Decode(node.Data) : null;

    /// <summary>The dynamic broker configurations as the tree has them, needed before the controller runs.</summary>
    public static async Task<ImmutableDictionary<string, IReadOnlyDictionary<string, string>>> ReadBrokerConfigsAsync(ICoordinationTree tree)
    {
        var configs = ImmutableDictionary.CreateBuilder<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal);
        if (await tree.ExistsAsync(ZnodePaths.ConfigBrokers).ConfigureAwait(false) is not null)
        {
            foreach (string entity in await tree.ChildrenAsync(ZnodePaths.ConfigBrokers).ConfigureAwait(false))
            {
                string path = ZnodePaths.BrokerConfig(entity);
                configs[entity] = ConfigZnode.Decode(path, (await tree.GetAsync(path).ConfigureAwait(false)).Data);
            }
        }

        return configs.ToImmutable();
    }

    /// <summary>The overrides of all topics as the tree has them, for logs that are loaded before the controller runs.</summary>
    public static async Task<IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>>> ReadTopicConfigsAsync(ICoordinationTree tree)
    {
        var configs = new Dictionary<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal);
        if (await tree.ExistsAsync(ZnodePaths.ConfigTopics).ConfigureAwait(false) is not null)
        {
            IReadOnlyList<string> names = await tree.ChildrenAsync(ZnodePaths.ConfigTopics).ConfigureAwait(false);
            IReadOnlyDictionary<string, string>[] found = await Task.WhenAll(names.Select(name => ReadTopicConfigAsync(tree, name))).ConfigureAwait(false);
            for (int i = 0; i < found.Length; i++)
            {
                configs[names[i]] = found[i];
            }
        }

        return configs;
    }

    private static async Task<IReadOnlyDictionary<string, string>> ReadTopicConfigAsync(ICoordinationTree tree, string topic)
    {
        string path = ZnodePaths.TopicConfig(topic);
        return ConfigZnode.Decode(path, await TryGetAsync(tree, path).ConfigureAwait(false) is { } node ? node.Data : []);
    }

    /// <summary>A broker id nobody had: the count of ids given so, above the range that is reserved for configured ones.</summary>
    public static async Task<int> NextBrokerIdAsync(ICoordinationTree tree, int reservedMaxId)
    {
        await EnsurePathsAsync(tree, [ZnodePaths.BrokerSequence]).ConfigureAwait(false);
        NodeStat stat = await tree.SetAsync(ZnodePaths.BrokerSequence, default).ConfigureAwait(false);
        return stat.Version + reservedMaxId;
    }

    /// <summary>Registers the broker and stands for the controller's office: with it, loads the cluster and makes this broker lead its partitions.</summary>
    /// <exception cref="InvalidOperationException">The broker's id or one of its end points is taken.</exception>
    public async Task StartAsync(BrokerRegistration registration)
    {
        _registration = registration;
        StartBalancing();
        await JoinAsync().ConfigureAwait(false);
        _worker = Task.Run(WorkAsync);
    }

    public Task<IReadOnlyList<CreateTopicResult>> CreateTopicsAsync(IReadOnlyList<NewTopic> topics, bool validateOnly) => Enqueue(async () =>
    {
        var results = new List<CreateTopicResult>(topics.Count);
        foreach (NewTopic topic in topics)
        {
            results.Add(_isActive ? await CreateTopicAsync(topic, validateOnly).ConfigureAwait(false) : CreateTopicResult.Failed(topic.Name, ErrorCode.NotController, NotTheController));
        }

        return (IReadOnlyList<CreateTopicResult>)results;
    });

    public Task<IReadOnlyList<DeleteTopicResult>> DeleteTopicsAsync(IReadOnlyList<string> names) => DeletedAsync(Enqueue(async () =>
    {
        var results = new List<DeleteTopicResult>(names.Count);
        foreach (string name in names)
        {
            results.Add(!_isActive ? new DeleteTopicResult(name, Guid.Empty, ErrorCode.NotController, NotTheController) : await DeleteTopicAsync(Image.Topic(name)).ConfigureAwait(false)
                ?? await DeleteHiddenTopicAsync(name).ConfigureAwait(false)
                ?? new DeleteTopicResult(name, Guid.Empty, ErrorCode.UnknownTopicOrPartition, "This server does not host this topic-partition."));
        }

        return (IReadOnlyList<DeleteTopicResult>)results;
    }));

    /// <summary>By id, looked up when its turn comes: a topic of the same name that was made meanwhile is not touched. The name of an unknown one is null.</summary>
    public Task<IReadOnlyList<DeleteTopicResult>> DeleteTopicsByIdAsync(IReadOnlyList<Guid> ids) => DeletedAsync(Enqueue(async () =>
    {
        var results = new List<DeleteTopicResult>(ids.Count);
        foreach (Guid id in ids)
        {
            results.Add(!_isActive ? new DeleteTopicResult(null, id, ErrorCode.NotController, NotTheController) : await DeleteTopicAsync(Image.Topic(id)).ConfigureAwait(false)
                ?? new DeleteTopicResult(null, id, ErrorCode.UnknownTopicId, "This server does not host this topic ID."));
        }

        return (IReadOnlyList<DeleteTopicResult>)results;
    }));

    public Task<IReadOnlyList<CreatePartitionsResult>> CreatePartitionsAsync(IReadOnlyList<NewPartitions> requests, bool validateOnly) => Enqueue(async () =>
    {
        var results = new List<CreatePartitionsResult>(requests.Count);
        foreach (NewPartitions request in requests)
        {
            results.Add(_isActive
                ? await CreatePartitionsAsync(request, validateOnly).ConfigureAwait(false)
                : new CreatePartitionsResult(request.Topic, ErrorCode.NotController, NotTheController));
        }

        return (IReadOnlyList<CreatePartitionsResult>)results;
    });

    /// <summary>
    /// Changes a topic's overrides. The edit sees the newest ones, so that concurrent changes do not undo each other; it returns the new overrides, or
    /// null to leave them (validation failed or was all that was wanted).
    /// </summary>
    public Task<ErrorCode> AlterTopicConfigAsync(string topic, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string>?> edit) => Enqueue(async () =>
    {
        if (Image.Topic(topic) is not { } image)
        {
            return ErrorCode.UnknownTopicOrPartition;
        }

        string path = ZnodePaths.TopicConfig(topic);
        if (edit(await NewestAsync(path, image.Config).ConfigureAwait(false)) is { } config)
        {
            await WriteConfigAsync(path, "topics/" + topic, config).ConfigureAwait(false);
            Swap(Image.With(image with { Config = config }));
        }

        return ErrorCode.None;
    });

    /// <summary>Changes the dynamic configuration of a broker (its id in decimal) or of all (<see cref="MetadataImage.DefaultEntity"/>); see <see cref="AlterTopicConfigAsync"/>.</summary>
    public Task AlterBrokerConfigAsync(string entity, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string>?> edit) => Enqueue(async () =>
    {
        IReadOnlyDictionary<string, string> current = Image.BrokerConfigs.GetValueOrDefault(entity) ?? new Dictionary<string, string>();
        string path = ZnodePaths.BrokerConfig(entity);
        if (edit(await NewestAsync(path, current).ConfigureAwait(false)) is { } config)
        {
            await WriteConfigAsync(path, "brokers/" + entity, config).ConfigureAwait(false);
            Swap(Image with { BrokerConfigs = Image.BrokerConfigs.SetItem(entity, config) });
        }

        return true;
    });

    /// <summary>Reserves the next thousand producer ids, durably, for this broker or another.</summary>
    /// <exception cref="NotControllerException">Only the controller gives them.</exception>
    public Task<ProducerIdBlock> AllocateProducerIdBlockAsync(int? broker = null) => Enqueue(async () =>
    {
        if (!_isActive)
        {
            throw new NotControllerException();
        }

        TreeNode node = await _tree.GetAsync(ZnodePaths.ProducerIdBlock).ConfigureAwait(false);
        long start = ProducerIdBlockZnode.Decode(node.Data) is { } last ? last.End + 1 : 0;
        var block = new ProducerIdBlockZnode(broker ?? Self, start, start + ProducerIdBlockSize - 1);
        await _tree.SetAsync(ZnodePaths.ProducerIdBlock, block.Encode(), node.Stat.Version).ConfigureAwait(false);
        return new ProducerIdBlock(block.Start, block.End);
    });

    /// <summary>Finishes what was queued and stops taking more.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_links is not null)
        {
            _links.Watch.Changed -= _refusalsChanged.Fire;
        }

        if (_balance is not null)
        {
            await _balance.DisposeAsync().ConfigureAwait(false);
        }

        _queue.Writer.TryComplete();
        await _worker.ConfigureAwait(false);
    }

    private WatchTrigger Trigger(Func<Action<WatchedEvent>, Task> work) => new(TryEnqueue, work, _time);

    /// <summary>Work that nobody waits for.</summary>
    private bool TryEnqueue(Func<Task> work) => _queue.Writer.TryWrite(async () =>
    {
        try
        {
            await work().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            OnFailure(e);
        }
    });

    private Task<T> Enqueue<T>(Func<Task<T>> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        bool taken = _queue.Writer.TryWrite(async () =>
        {
            try
            {
                done.SetResult(await work().ConfigureAwait(false));
            }
            catch (Exception e)
            {
                OnFailure(e);
                done.SetException(e);
            }
        });
        return taken ? done.Task : Task.FromException<T>(new InvalidOperationException("The controller is stopping, or more than " + QueueLimit + " changes wait for it"));
    }

    private async Task WorkAsync()
    {
        await foreach (Func<Task> work in _queue.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            await work().ConfigureAwait(false);
        }
    }

    private void OnFailure(Exception e)
    {
        if (e is NotControllerException || _stopping.IsCancellationRequested)
        {
            return;
        }

        if (e is CoordinationException { Error: CoordinationError.BadVersion, Path: ZnodePaths.ControllerEpoch })
        {
            Resign();
            _office.Fire();
            return;
        }

        ControllerLog.Failed(_logger, e);
    }

    private void Swap(MetadataImage image)
    {
        MetadataImage old = Image;
        _host.OnMetadata(old, _store.Swap(image));
    }

    /// <summary>
    /// Writes changes in chunks, each of them atomic. All carry a check of the controller epoch: a controller that lost its office changes nothing.
    /// </summary>
    private async Task CommitAsync(IReadOnlyList<TreeOperation> operations)
    {
        for (int next = 0; next < operations.Count;)
        {
            var chunk = new List<TreeOperation> { TreeOperation.Check(ZnodePaths.ControllerEpoch, _epochVersion) };
            for (int bytes = 0; next < operations.Count && chunk.Count <= MultiChunk && bytes < MultiChunkBytes; next++)
            {
                chunk.Add(operations[next]);
                bytes += operations[next].Path.Length + operations[next].Data.Length;
            }

            await _tree.MultiAsync(chunk).ConfigureAwait(false);
        }
    }

    /// <summary>Fails as a write would when another controller has the office.</summary>
    private async Task CheckOfficeAsync() => await _tree.MultiAsync([TreeOperation.Check(ZnodePaths.ControllerEpoch, _epochVersion)]).ConfigureAwait(false);

    /// <summary>Makes the nodes that are missing, parents included, in one step.</summary>
    private static async Task EnsurePathsAsync(ICoordinationTree tree, IReadOnlyList<string> paths)
    {
        while (true)
        {
            var missing = new SortedSet<string>(StringComparer.Ordinal);
            foreach (string path in paths)
            {
                for (string part = path; part != "/" && await tree.ExistsAsync(part).ConfigureAwait(false) is null; part = TreePath.Parent(part))
                {
                    missing.Add(part);
                }
            }

            if (missing.Count == 0)
            {
                return;
            }

            try
            {
                await tree.MultiAsync([.. missing.Select(path => TreeOperation.Create(path, default))]).ConfigureAwait(false);
            }
            catch (CoordinationException e) when (e.Error == CoordinationError.NodeExists)
            {
                // Another broker makes them at the same time: look again what is missing.
            }
        }
    }
}

internal static partial class ControllerLog
{
    [LoggerMessage(Level = LogLevel.Error, Message = "A change of the cluster's metadata failed; what of it was written is finished or taken back at the next start")]
    public static partial void Failed(ILogger logger, Exception cause);

    [LoggerMessage(Level = LogLevel.Information, Message = "Broker {Broker} is controller with epoch {Epoch}; {Topics} topics with {Partitions} partitions loaded")]
    public static partial void Started(ILogger logger, int broker, int epoch, int topics, int partitions);

    [LoggerMessage(Level = LogLevel.Information, Message = "Broker {Broker} joined the cluster with epoch {Epoch}; the controller is broker {Controller}")]
    public static partial void Joined(ILogger logger, int broker, long epoch, int controller);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Broker {Broker} gave up the controller's office, epoch {Epoch}")]
    public static partial void Resigned(ILogger logger, int broker, int epoch);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Takes the controller's office from broker {Broker}, epoch {Epoch}, before its session is over: nothing listens at its end point any more")]
    public static partial void TakesOffice(ILogger logger, int broker, long epoch);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The session with the coordination tree has expired: joining the cluster again")]
    public static partial void SessionExpired(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Took over the registration of broker {Broker}, which an earlier run at the same addresses left (session 0x{Session:x})")]
    public static partial void TookOver(ILogger logger, int broker, long session);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Broker id {Broker} is registered by session 0x{Session:x} at {Addresses}: waiting up to {Seconds} s for it to go")]
    public static partial void WaitsForRegistration(ILogger logger, int broker, long session, string addresses, double seconds);

    [LoggerMessage(Level = LogLevel.Information, Message = "Brokers gone: [{Gone}], came: [{Came}]; {Changed} partitions have a new state, {Leaderless} of them no leader")]
    public static partial void BrokersChanged(ILogger logger, string gone, string came, int changed, int leaderless);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Topic {Topic} has no node in the coordination tree any more: it is not served from now on, its files stay where they are")]
    public static partial void Vanished(ILogger logger, string topic);

    [LoggerMessage(Level = LogLevel.Information, Message = "Broker {Broker} is about to stop: {Moved} partitions changed for it, {Remaining} have no other replica in sync")]
    public static partial void ControlledShutdown(ILogger logger, int broker, int moved, int remaining);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A log directory of broker {Broker} has failed: {Replicas} replicas are offline, {Leaderless} partitions have no leader for it")]
    public static partial void DirectoryFailed(ILogger logger, int broker, int replicas, int leaderless);

    [LoggerMessage(Level = LogLevel.Information, Message = "Gave {Partitions} partitions back to their preferred leaders")]
    public static partial void Balanced(ILogger logger, int partitions);

    [LoggerMessage(Level = LogLevel.Information, Message = "Reassignment of {Partition} from [{From}] to [{To}]: adding [{Adding}], removing [{Removing}]")]
    public static partial void Reassigning(ILogger logger, TopicPartition partition, string from, string to, string adding, string removing);

    [LoggerMessage(Level = LogLevel.Information, Message = "Reassignment of {Partition} is complete: replicas [{Replicas}], leader {Leader}")]
    public static partial void Reassigned(ILogger logger, TopicPartition partition, string replicas, int leader);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Partition} is not reassigned to [{To}] as {Path} asks: {Reason}")]
    public static partial void NotReassigned(ILogger logger, TopicPartition partition, string to, string path, string? reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Node {Path} of the coordination tree cannot be understood and is ignored: {Reason}")]
    public static partial void Ignored(ILogger logger, string path, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Created topic {Topic} ({Id}) with {Partitions} partitions and replication factor {Factor}")]
    public static partial void Created(ILogger logger, string topic, string id, int partitions, int factor);

    [LoggerMessage(Level = LogLevel.Information, Message = "Feature levels in force: [{Levels}]")]
    public static partial void Features(ILogger logger, string levels);

    [LoggerMessage(Level = LogLevel.Information, Message = "Deleted topic {Topic} ({Id})")]
    public static partial void Deleted(ILogger logger, string topic, string id);

    [LoggerMessage(Level = LogLevel.Information, Message = "Raised topic {Topic} from {From} to {To} partitions")]
    public static partial void Grown(ILogger logger, string topic, int from, int to);
}
