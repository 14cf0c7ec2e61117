namespace Broker.Cluster;

/// <summary>
/// The coordination tree of a single broker, kept in its first log directory (see <see cref="TreeFiles"/>). One instance is one session; ephemeral
/// nodes of earlier sessions are removed when it opens. Changes are serialised by a lock, synced, applied and only then told to watchers and callers.
/// </summary>
public sealed class EmbeddedTree : ICoordinationTree
{
    private const long SnapshotAfterBytes = 4 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly TreeFiles _files;
    private readonly TreeState _state;
    private readonly TimeProvider _time;
    private readonly Dictionary<(string Path, bool OfChildren), List<Action<WatchedEvent>>> _watches = [];
    private bool _closed;

    private EmbeddedTree(TreeFiles files, TreeState state, TimeProvider time)
    {
        _files = files;
        _state = state;
        _time = time;
        SessionId = state.LastZxid + 1;
    }

    public long SessionId { get; }

    /// <exception cref="InvalidDataException">A file is damaged; the message says which, where and what to do.</exception>
    /// <exception cref="IOException">The directory cannot be used.</exception>
    public static EmbeddedTree Open(string directory, TimeProvider time)
    {
        TreeFiles files = TreeFiles.Open(directory, out TreeState state);
        var tree = new EmbeddedTree(files, state, time);
        tree.RemoveEphemerals(static _ => true);
        return tree;
    }

    /// <summary>The bytes of a node, or null when there is none.</summary>
    public byte[]? TryRead(string path)
    {
        lock (_lock)
        {
            return _state.Find(path)?.Data;
        }
    }

    public ValueTask<string> CreateAsync(string path, ReadOnlyMemory<byte> data, CreateMode mode = CreateMode.Persistent) =>
        new(Change([TreeOperation.Create(path, data, mode)])[0].Path);

    public ValueTask<TreeNode> GetAsync(string path, Action<WatchedEvent>? watch = null)
    {
        lock (_lock)
        {
            TreeState.Node node = Require(path);
            Watch(path, ofChildren: false, watch);
            return new(new TreeNode([.. node.Data], node.Stat()));
        }
    }

    public ValueTask<NodeStat?> ExistsAsync(string path, Action<WatchedEvent>? watch = null)
    {
        TreePath.Validate(path);
        lock (_lock)
        {
            ThrowIfClosed(path);
            Watch(path, ofChildren: false, watch);
            return new(_state.Find(path)?.Stat());
        }
    }

    public ValueTask<IReadOnlyList<string>> ChildrenAsync(string path, Action<WatchedEvent>? watch = null)
    {
        lock (_lock)
        {
            TreeState.Node node = Require(path);
            Watch(path, ofChildren: true, watch);
            return new([.. node.Children]);
        }
    }

    public ValueTask<NodeStat> SetAsync(string path, ReadOnlyMemory<byte> data, int version = TreeOperation.AnyVersion) =>
        new(Change([TreeOperation.Set(path, data, version)])[0].Stat!);

    public ValueTask DeleteAsync(string path, int version = TreeOperation.AnyVersion)
    {
        Change([TreeOperation.Delete(path, version)]);
        return default;
    }

    public ValueTask<IReadOnlyList<OperationResult>> MultiAsync(IReadOnlyList<TreeOperation> operations) => new(Change(operations));

    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (!_closed)
            {
                RemoveEphemerals(owner => owner == SessionId);
                _closed = true;
                _files.Dispose();
            }
        }

        return default;
    }

    private OperationResult[] Change(IReadOnlyList<TreeOperation> operations)
    {
        var results = new OperationResult[operations.Count];
        lock (_lock)
        {
            ThrowIfClosed(operations.Count > 0 ? operations[0].Path : "/");
            List<TreeChange> changes = _state.Decide(operations, SessionId);
            if (changes.Count > 0)
            {
                Commit(changes);
            }

            int next = 0;
            for (int i = 0; i < results.Length; i++)
            {
                string path = operations[i].Kind == TreeOperationKind.Check ? operations[i].Path : changes[next++].Path;
                results[i] = new OperationResult(path, _state.Find(path)?.Stat());
            }

            Fire(changes);
        }

        return results;
    }

    private void Commit(List<TreeChange> changes)
    {
        var transaction = new TreeTransaction(_state.LastZxid + 1, _time.GetUtcNow().ToUnixTimeMilliseconds(), changes);
        _files.Append(transaction);
        _state.Apply(transaction);
        if (_files.LogBytes > SnapshotAfterBytes)
        {
            _files.Snapshot(_state);
        }
    }

    private void RemoveEphemerals(Func<long, bool> ofOwner)
    {
        List<string> paths = _state.EphemeralPaths(ofOwner);
        if (paths.Count > 0)
        {
            Commit(paths.ConvertAll(p => new TreeChange(TreeOperationKind.Delete, p, [], 0)));
        }
    }

    // Watches fire inside the lock, which keeps their order; the lock is reentrant, so a callback may call the tree.
    private void Fire(List<TreeChange> changes)
    {
        foreach (TreeChange change in changes)
        {
            WatchedEventType type = change.Kind switch
            {
                TreeOperationKind.Create => WatchedEventType.NodeCreated,
                TreeOperationKind.Set => WatchedEventType.NodeDataChanged,
                _ => WatchedEventType.NodeDeleted,
            };
            Fire(change.Path, ofChildren: false, type);
            if (type == WatchedEventType.NodeDeleted)
            {
                Fire(change.Path, ofChildren: true, type);
            }

            if (type != WatchedEventType.NodeDataChanged)
            {
                Fire(TreePath.Parent(change.Path), ofChildren: true, WatchedEventType.NodeChildrenChanged);
            }
        }
    }

    private void Fire(string path, bool ofChildren, WatchedEventType type)
    {
        if (_watches.Remove((path, ofChildren), out List<Action<WatchedEvent>>? watchers))
        {
            foreach (Action<WatchedEvent> watcher in watchers)
            {
                watcher(new WatchedEvent(type, path));
            }
        }
    }

    private void Watch(string path, bool ofChildren, Action<WatchedEvent>? watch)
    {
        if (watch is not null)
        {
            if (!_watches.TryGetValue((path, ofChildren), out List<Action<WatchedEvent>>? watchers))
            {
                _watches[(path, ofChildren)] = watchers = [];
            }

            watchers.Add(watch);
        }
    }

    private TreeState.Node Require(string path)
    {
        TreePath.Validate(path);
        ThrowIfClosed(path);
        return _state.Find(path) ?? throw new CoordinationException(CoordinationError.NoNode, path, $"{path} does not exist");
    }

    private void ThrowIfClosed(string path)
    {
        if (_closed)
        {
            throw new CoordinationException(CoordinationError.Closed, path, "The coordination tree is closed");
        }
    }
}
