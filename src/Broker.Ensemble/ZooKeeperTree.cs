using Broker.Cluster;
using Broker.ZooKeeper;
using Microsoft.Extensions.Logging;

namespace Broker.Ensemble;

/// <summary>
/// The coordination tree in a ZooKeeper ensemble, below the chroot of its connect string. One instance is one session; see <see cref="ZooKeeperClient"/>
/// for how it lives. Bytes of a node are absent in ZooKeeper where they are empty here, as Kafka writes them.
/// </summary>
public sealed class ZooKeeperTree : ICoordinationTree
{
    private readonly ZooKeeperClient _client;
    private readonly Func<string, IReadOnlyList<ZooKeeperAcl>> _aclOf;

    private ZooKeeperTree(ZooKeeperClient client, Func<string, IReadOnlyList<ZooKeeperAcl>> aclOf)
    {
        _client = client;
        _aclOf = aclOf;
        client.StateChanged += state => ConnectionChanged?.Invoke(Connected(state));
    }

    /// <inheritdoc/>
    public event Action<TreeConnection>? ConnectionChanged;

    public long SessionId => _client.SessionId;

    public TreeConnection Connection => Connected(_client.State);

    /// <summary>What the ensemble agreed to, in ms.</summary>
    public int SessionTimeoutMs => _client.SessionTimeoutMs;

    /// <summary>Starts a session, and makes the chroot if it is missing.</summary>
    /// <param name="options">Where and as whom.</param>
    /// <param name="secured">Gives nodes Kafka's access lists (zookeeper.set.acl) instead of leaving them open.</param>
    /// <param name="time">The clock of timeouts and pauses.</param>
    /// <param name="logger">Hears of connections and sessions.</param>
    /// <param name="stop">Gives up waiting.</param>
    /// <exception cref="CoordinationException">ConnectionLoss: no server answered in time; NotPermitted: the credentials were refused.</exception>
    public static async Task<ZooKeeperTree> OpenAsync(ZooKeeperClientOptions options, bool secured, TimeProvider time, ILogger? logger = null, CancellationToken stop = default)
    {
        Func<string, IReadOnlyList<ZooKeeperAcl>> aclOf = secured ? ZnodeAccess.Of : static _ => ZooKeeperAcl.Open;
        try
        {
            ZooKeeperClient client = await ZooKeeperClient.ConnectAsync(options with { DefaultAcl = aclOf("/") }, time, logger, null, stop).ConfigureAwait(false);
            var tree = new ZooKeeperTree(client, aclOf);
            try
            {
                await client.CreateChrootAsync().ConfigureAwait(false);
                return tree;
            }
            catch
            {
                await tree.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
        catch (ZooKeeperException e)
        {
            throw Failures.Of(e, options.Servers.ToString());
        }
    }

    public async ValueTask<string> CreateAsync(string path, ReadOnlyMemory<byte> data, CreateMode mode = CreateMode.Persistent)
    {
        TreePath.Validate(path, numbered: mode is CreateMode.PersistentSequential or CreateMode.EphemeralSequential);
        return (await Ask(path, c => c.CreateAsync(path, data, ModeOf(mode), _aclOf(path))).ConfigureAwait(false)).Path;
    }

    public async ValueTask<TreeNode> GetAsync(string path, Action<WatchedEvent>? watch = null)
    {
        TreePath.Validate(path);
        ZooKeeperNode node = await Ask(path, c => c.GetDataAsync(path, Watcher(watch))).ConfigureAwait(false);
        return new TreeNode(node.Data, StatOf(node.Stat));
    }

    public async ValueTask<NodeStat?> ExistsAsync(string path, Action<WatchedEvent>? watch = null)
    {
        TreePath.Validate(path);
        return await Ask(path, c => c.ExistsAsync(path, Watcher(watch))).ConfigureAwait(false) is { } stat ? StatOf(stat) : null;
    }

    public async ValueTask<IReadOnlyList<string>> ChildrenAsync(string path, Action<WatchedEvent>? watch = null)
    {
        TreePath.Validate(path);
        string[] names = [.. (await Ask(path, c => c.GetChildrenAsync(path, Watcher(watch))).ConfigureAwait(false)).Names];
        Array.Sort(names, StringComparer.Ordinal);
        return names;
    }

    public async ValueTask<NodeStat> SetAsync(string path, ReadOnlyMemory<byte> data, int version = TreeOperation.AnyVersion)
    {
        TreePath.Validate(path);
        return StatOf(await Ask(path, c => c.SetDataAsync(path, data, version)).ConfigureAwait(false));
    }

    public async ValueTask DeleteAsync(string path, int version = TreeOperation.AnyVersion)
    {
        ValidateDeletion(path, 0);
        await Ask(path, async c =>
        {
            await c.DeleteAsync(path, version).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false);
    }

    public async ValueTask<IReadOnlyList<OperationResult>> MultiAsync(IReadOnlyList<TreeOperation> operations)
    {
        if (operations.Count == 0)
        {
            return Connection is TreeConnection.Closed or TreeConnection.Expired ? throw Failures.Ended(Connection) : [];
        }

        var requests = new ZooKeeperOperation[operations.Count];
        for (int i = 0; i < requests.Length; i++)
        {
            requests[i] = RequestOf(operations[i], i);
        }

        ZooKeeperOperationResult[] results = await Ask(operations[0].Path, c => c.MultiAsync(requests)).ConfigureAwait(false);
        return Array.ConvertAll(results, r => new OperationResult(r.Path, r.Stat is { } stat ? StatOf(stat) : null));
    }

    public async ValueTask SyncAsync() => await Ask("/", async c =>
    {
        await c.SyncAsync().ConfigureAwait(false);
        return true;
    }).ConfigureAwait(false);

    public async ValueTask<IAsyncDisposable> WatchTreeAsync(string path, Action<WatchedEvent> watch)
    {
        TreePath.Validate(path);
        return await Ask(path, c => c.AddWatchAsync(path, isRecursive: true, Watcher(watch)!)).ConfigureAwait(false);
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    private async Task<T> Ask<T>(string path, Func<ZooKeeperClient, Task<T>> ask)
    {
        try
        {
            return await ask(_client).ConfigureAwait(false);
        }
        catch (ZooKeeperException e)
        {
            throw Failures.Of(e, path);
        }
    }

    private ZooKeeperOperation RequestOf(TreeOperation operation, int index)
    {
        string path = operation.Path;
        bool numbered = operation.Kind == TreeOperationKind.Create && operation.Mode is CreateMode.PersistentSequential or CreateMode.EphemeralSequential;
        if (operation.Kind == TreeOperationKind.Delete)
        {
            ValidateDeletion(path, index);
        }

        TreePath.Validate(path, index, numbered);
        return operation.Kind switch
        {
            TreeOperationKind.Create => ZooKeeperOperation.Create(path, operation.Data, ModeOf(operation.Mode), _aclOf(path)),
            TreeOperationKind.Set => ZooKeeperOperation.SetData(path, operation.Data, operation.Version),
            TreeOperationKind.Delete => ZooKeeperOperation.Delete(path, operation.Version),
            _ => ZooKeeperOperation.Check(path, operation.Version),
        };
    }

    /// <summary>Below a chroot the root is a node like others to ZooKeeper, and could be deleted.</summary>
    private static void ValidateDeletion(string path, int index)
    {
        TreePath.Validate(path, index);
        if (path == "/")
        {
            throw new CoordinationException(CoordinationError.BadArguments, path, "The root cannot be deleted", index);
        }
    }

    private static Action<ZooKeeperEvent>? Watcher(Action<WatchedEvent>? watch) => watch is null ? null : e => watch(new WatchedEvent(
        e.Type switch
        {
            ZooKeeperEventType.NodeCreated => WatchedEventType.NodeCreated,
            ZooKeeperEventType.NodeDeleted => WatchedEventType.NodeDeleted,
            ZooKeeperEventType.NodeDataChanged => WatchedEventType.NodeDataChanged,
            ZooKeeperEventType.NodeChildrenChanged => WatchedEventType.NodeChildrenChanged,
            ZooKeeperEventType.Reconnected => WatchedEventType.Reconnected,
            _ => WatchedEventType.SessionExpired,
        },
        e.Path));

    private static ZooKeeperCreateMode ModeOf(CreateMode mode) => mode switch
    {
        CreateMode.Ephemeral => ZooKeeperCreateMode.Ephemeral,
        CreateMode.PersistentSequential => ZooKeeperCreateMode.PersistentSequential,
        CreateMode.EphemeralSequential => ZooKeeperCreateMode.EphemeralSequential,
        _ => ZooKeeperCreateMode.Persistent,
    };

    private static TreeConnection Connected(ZooKeeperState state) => state switch
    {
        ZooKeeperState.Connected => TreeConnection.Connected,
        ZooKeeperState.Connecting => TreeConnection.Disconnected,
        ZooKeeperState.Closed => TreeConnection.Closed,
        _ => TreeConnection.Expired,
    };

    private static NodeStat StatOf(ZooKeeperStat s) => new(s.Czxid, s.Mzxid, s.Pzxid, s.CtimeMs, s.MtimeMs, s.Version, s.Cversion, s.EphemeralOwner, s.DataLength, s.NumChildren) { Aversion = s.Aversion };
}
