using System.Collections.Immutable;
using System.Threading.Channels;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Cluster;

/// <summary>
/// The controller: the one writer of cluster metadata. Every decision runs on one queue, is written to the coordination tree (fenced by the controller
/// epoch), applied by the broker and swapped into <see cref="MetadataStore"/> before its caller is answered. Uses nothing of the tree but its contract.
/// </summary>
public sealed partial class ClusterController : IAsyncDisposable
{
    /// <summary>Operations and, but for the last one's, bytes per multi: large enough that one sync covers many, small enough for ZooKeeper's 1 MB packets.</summary>
    private const int MultiChunk = 1000;
    private const int MultiChunkBytes = 512 * 1024;

    /// <summary>Far more than clients wait for at a time; each waiting change holds only its request.</summary>
    private const int QueueLimit = 10_000;
    private const long ProducerIdBlockSize = 1000;

    private readonly ICoordinationTree _tree;
    private readonly MetadataStore _store;
    private readonly IReplicaHost _host;
    private readonly TopicPlanner _planner;
    private readonly TimeProvider _time;
    private readonly ILogger<ClusterController> _logger;
    private readonly Channel<Func<Task>> _queue = Channel.CreateBounded<Func<Task>>(new BoundedChannelOptions(QueueLimit) { SingleReader = true });
    private Task _worker = Task.CompletedTask;
    private int _epoch;
    private int _epochVersion;

    public ClusterController(ICoordinationTree tree, MetadataStore store, IReplicaHost host, ControllerPolicy policy, TimeProvider time, ILogger<ClusterController> logger)
    {
        _tree = tree;
        _store = store;
        _host = host;
        _planner = new TopicPlanner(policy);
        _time = time;
        _logger = logger;
    }

    private MetadataImage Image => _store.Current;

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

    /// <summary>A topic's overrides as the tree has them, for logs that are loaded before the controller runs. Reads the embedded tree without waiting.</summary>
    public static IReadOnlyDictionary<string, string> ReadTopicConfig(EmbeddedTree tree, string topic)
    {
        string path = ZnodePaths.TopicConfig(topic);
        return tree.TryRead(path) is { } data ? ConfigZnode.Decode(path, data) : new Dictionary<string, string>();
    }

    /// <summary>A broker id nobody had: the count of ids given so, above the range that is reserved for configured ones.</summary>
    public static async Task<int> NextBrokerIdAsync(ICoordinationTree tree, int reservedMaxId)
    {
        await EnsurePathsAsync(tree, [ZnodePaths.BrokerSequence]).ConfigureAwait(false);
        NodeStat stat = await tree.SetAsync(ZnodePaths.BrokerSequence, default).ConfigureAwait(false);
        return stat.Version + reservedMaxId;
    }

    /// <summary>Registers the broker, takes the controller's office, loads the cluster and makes this broker lead its partitions.</summary>
    public async Task StartAsync(BrokerRegistration registration)
    {
        await EnsurePathsAsync(_tree, ZnodePaths.Persistent).ConfigureAwait(false);
        await RegisterAsync(registration).ConfigureAwait(false);
        await ElectAsync(registration.Id).ConfigureAwait(false);
        await LoadAsync(registration.Id).ConfigureAwait(false);
        _worker = Task.Run(WorkAsync);
    }

    public Task<IReadOnlyList<CreateTopicResult>> CreateTopicsAsync(IReadOnlyList<NewTopic> topics, bool validateOnly) => Enqueue(async () =>
    {
        var results = new List<CreateTopicResult>(topics.Count);
        foreach (NewTopic topic in topics)
        {
            results.Add(await CreateTopicAsync(topic, validateOnly).ConfigureAwait(false));
        }

        return (IReadOnlyList<CreateTopicResult>)results;
    });

    public Task<IReadOnlyList<DeleteTopicResult>> DeleteTopicsAsync(IReadOnlyList<string> names) => Enqueue(async () =>
    {
        var results = new List<DeleteTopicResult>(names.Count);
        foreach (string name in names)
        {
            results.Add(await DeleteTopicAsync(Image.Topic(name)).ConfigureAwait(false)
                ?? await DeleteHiddenTopicAsync(name).ConfigureAwait(false)
                ?? new DeleteTopicResult(name, Guid.Empty, ErrorCode.UnknownTopicOrPartition, "This server does not host this topic-partition."));
        }

        return (IReadOnlyList<DeleteTopicResult>)results;
    });

    /// <summary>By id, looked up when its turn comes: a topic of the same name that was made meanwhile is not touched. The name of an unknown one is null.</summary>
    public Task<IReadOnlyList<DeleteTopicResult>> DeleteTopicsByIdAsync(IReadOnlyList<Guid> ids) => Enqueue(async () =>
    {
        var results = new List<DeleteTopicResult>(ids.Count);
        foreach (Guid id in ids)
        {
            results.Add(await DeleteTopicAsync(Image.Topic(id)).ConfigureAwait(false)
                ?? new DeleteTopicResult(null, id, ErrorCode.UnknownTopicId, "This server does not host this topic ID."));
        }

        return (IReadOnlyList<DeleteTopicResult>)results;
    });

    public Task<IReadOnlyList<CreatePartitionsResult>> CreatePartitionsAsync(IReadOnlyList<NewPartitions> requests, bool validateOnly) => Enqueue(async () =>
    {
        var results = new List<CreatePartitionsResult>(requests.Count);
        foreach (NewPartitions request in requests)
        {
            results.Add(await CreatePartitionsAsync(request, validateOnly).ConfigureAwait(false));
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

        if (edit(image.Config) is { } config)
        {
            await WriteConfigAsync(ZnodePaths.TopicConfig(topic), "topics/" + topic, config).ConfigureAwait(false);
            Swap(Image.With(image with { Config = config }));
        }

        return ErrorCode.None;
    });

    /// <summary>Changes the dynamic configuration of a broker (its id in decimal) or of all (<see cref="MetadataImage.DefaultEntity"/>); see <see cref="AlterTopicConfigAsync"/>.</summary>
    public Task AlterBrokerConfigAsync(string entity, Func<IReadOnlyDictionary<string, string>, IReadOnlyDictionary<string, string>?> edit) => Enqueue(async () =>
    {
        IReadOnlyDictionary<string, string> current = Image.BrokerConfigs.GetValueOrDefault(entity) ?? new Dictionary<string, string>();
        if (edit(current) is { } config)
        {
            await WriteConfigAsync(ZnodePaths.BrokerConfig(entity), "brokers/" + entity, config).ConfigureAwait(false);
            Swap(Image with { BrokerConfigs = Image.BrokerConfigs.SetItem(entity, config) });
        }

        return true;
    });

    /// <summary>Elects preferred or, with <paramref name="unclean"/>, any leaders; null for all partitions, of which only changed ones are told.</summary>
    public Task<IReadOnlyList<ElectLeaderResult>> ElectLeadersAsync(IReadOnlyList<TopicPartition>? partitions, bool unclean) => Enqueue(() =>
    {
        var results = new List<ElectLeaderResult>();
        foreach (TopicPartition partition in partitions ?? [])
        {
            PartitionImage? image = Image.Topic(partition.Topic) is { } topic && (uint)partition.Partition < (uint)topic.Partitions.Count ? topic.Partitions[partition.Partition] : null;
            // Every assigned replica of a single broker is that broker, so a partition with a leader already has the preferred one.
            results.Add(
                image is null ? new ElectLeaderResult(partition, ErrorCode.UnknownTopicOrPartition, "The partition does not exist.")
                : image.Leader >= 0 && (unclean || image.Leader == image.Replicas[0]) ? new ElectLeaderResult(partition, ErrorCode.ElectionNotNeeded, "Leader election not needed for topic partition.")
                : new ElectLeaderResult(partition, unclean ? ErrorCode.EligibleLeadersNotAvailable : ErrorCode.PreferredLeaderNotAvailable, "No eligible replica is alive."));
        }

        return Task.FromResult((IReadOnlyList<ElectLeaderResult>)results);
    });

    /// <summary>Reserves the next thousand producer ids, durably.</summary>
    public Task<ProducerIdBlock> AllocateProducerIdBlockAsync() => Enqueue(async () =>
    {
        TreeNode node = await _tree.GetAsync(ZnodePaths.ProducerIdBlock).ConfigureAwait(false);
        long start = ProducerIdBlockZnode.Decode(node.Data) is { } last ? last.End + 1 : 0;
        var block = new ProducerIdBlockZnode(Image.ControllerId, start, start + ProducerIdBlockSize - 1);
        await _tree.SetAsync(ZnodePaths.ProducerIdBlock, block.Encode(), node.Stat.Version).ConfigureAwait(false);
        return new ProducerIdBlock(block.Start, block.End);
    });

    /// <summary>Finishes what was queued and stops taking more.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _worker.ConfigureAwait(false);
    }

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
                ControllerLog.Failed(_logger, e);
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

    [LoggerMessage(Level = LogLevel.Information, Message = "Created topic {Topic} ({Id}) with {Partitions} partitions and replication factor {Factor}")]
    public static partial void Created(ILogger logger, string topic, string id, int partitions, int factor);

    [LoggerMessage(Level = LogLevel.Information, Message = "Deleted topic {Topic} ({Id})")]
    public static partial void Deleted(ILogger logger, string topic, string id);

    [LoggerMessage(Level = LogLevel.Information, Message = "Raised topic {Topic} from {From} to {To} partitions")]
    public static partial void Grown(ILogger logger, string topic, int from, int to);
}
