using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.Cluster;

/// <summary>
/// The coordination tree of a single broker, kept in its first log directory (see <see cref="TreeFiles"/>). One instance is one session; ephemeral
/// nodes of earlier sessions are removed when it opens. Changes are serialised by a lock, synced, applied and only then told to watchers and callers.
/// All work, the sync included, is done on the caller's thread; tasks are complete when they are returned.
/// </summary>
public sealed class EmbeddedTree : ICoordinationTree
{
    /// <summary>The log is replaced by a snapshot when it is longer than this and than the last snapshot, which keeps both start-up and rewriting cheap.</summary>
    private const long SnapshotAfterBytes = 4 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly TreeFiles _files;
    private readonly TreeState _state;
    private readonly TreeWatches _watches = new();
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly long _snapshotAfterBytes;
    private long _nextSnapshotBytes;
    private volatile bool _closed;

    private EmbeddedTree(TreeFiles files, TreeState state, TimeProvider time, ILogger logger, long snapshotAfterBytes)
    {
        _files = files;
        _state = state;
        _time = time;
        _logger = logger;
        _snapshotAfterBytes = snapshotAfterBytes;
        _nextSnapshotBytes = Math.Max(snapshotAfterBytes, files.SnapshotBytes);
        // Taken from the numbers of changes: an earlier session that owned a node made a change, so its number is lower.
        SessionId = state.LastZxid + 1;
    }

    public long SessionId { get; }

    public TreeConnection Connection => _closed ? TreeConnection.Closed : TreeConnection.Connected;

    /// <summary>Only the end is told: the store is in this process and cannot be out of reach.</summary>
    public event Action<TreeConnection>? ConnectionChanged;

    internal long LogBytes => _files.LogBytes;

    /// <exception cref="InvalidDataException">A file is damaged; the message says which, where and what to do.</exception>
    /// <exception cref="IOException">The directory cannot be used, or another process has the tree open.</exception>
    public static EmbeddedTree Open(string directory, TimeProvider time, ILogger<EmbeddedTree>? logger = null) => Open(directory, time, logger, SnapshotAfterBytes, null);

    internal static EmbeddedTree Open(string directory, TimeProvider time, ILogger? logger, long snapshotAfterBytes, Action<TreeFileStep>? beforeStep)
    {
        TreeFiles files = TreeFiles.Open(directory, beforeStep, out TreeState state);
        try
        {
            var tree = new EmbeddedTree(files, state, time, logger ?? NullLogger.Instance, snapshotAfterBytes);
            tree.RemoveEphemerals(static _ => true);
            return tree;
        }
        catch
        {
            files.Dispose();
            throw;
        }
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
            _watches.Add(path, ofChildren: false, watch);
            return new(new TreeNode([.. node.Data], node.Stat()));
        }
    }

    public ValueTask<NodeStat?> ExistsAsync(string path, Action<WatchedEvent>? watch = null)
    {
        TreePath.Validate(path);
        lock (_lock)
        {
            ThrowIfClosed(path);
            _watches.Add(path, ofChildren: false, watch);
            return new(_state.Find(path)?.Stat());
        }
    }

    public ValueTask<IReadOnlyList<string>> ChildrenAsync(string path, Action<WatchedEvent>? watch = null)
    {
        lock (_lock)
        {
            TreeState.Node node = Require(path);
            _watches.Add(path, ofChildren: true, watch);
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

    public ValueTask SyncAsync()
    {
        lock (_lock)
        {
            ThrowIfClosed("/");
            return default;
        }
    }

    public ValueTask<IAsyncDisposable> WatchTreeAsync(string path, Action<WatchedEvent> watch)
    {
        TreePath.Validate(path);
        lock (_lock)
        {
            ThrowIfClosed(path);
            _watches.AddRecursive(path, watch);
            return new(new TreeWatch(this, path, watch));
        }
    }

    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (!_closed)
            {
                try
                {
                    RemoveEphemerals(owner => owner == SessionId);
                }
                catch (CoordinationException e)
                {
                    // The next start removes them.
                    EmbeddedTreeLog.CloseFailed(_logger, e);
                }

                _closed = true;
                _files.Dispose();
                ConnectionChanged?.Invoke(TreeConnection.Closed);
            }
        }

        return default;
    }

    private OperationResult[] Change(IReadOnlyList<TreeOperation> operations)
    {
        lock (_lock)
        {
            ThrowIfClosed(operations.Count > 0 ? operations[0].Path : "/");
            List<TreeChange> changes = _state.Decide(operations, SessionId);
            var stats = new List<NodeStat?>(changes.Count);
            if (changes.Count > 0)
            {
                Commit(changes, stats);
            }

            OperationResult[] results = Results(operations, changes, stats);
            // Inside the lock: nobody else reads before the events of what he would see have been told.
            _watches.Tell(changes);
            return results;
        }
    }

    private static OperationResult[] Results(IReadOnlyList<TreeOperation> operations, List<TreeChange> changes, List<NodeStat?> stats)
    {
        var results = new OperationResult[operations.Count];
        int next = 0;
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = operations[i].Kind == TreeOperationKind.Check ? new OperationResult(operations[i].Path, null) : new OperationResult(changes[next].Path, stats[next++]);
        }

        return results;
    }

    private void Commit(List<TreeChange> changes, List<NodeStat?>? stats = null)
    {
        var transaction = new TreeTransaction(_state.LastZxid + 1, _time.GetUtcNow().ToUnixTimeMilliseconds(), changes);
        _files.Append(transaction);
        _state.Apply(transaction, stats);
        if (_files.LogBytes > _nextSnapshotBytes)
        {
            Snapshot();
        }
    }

    /// <summary>The change is durable already: that the log could not be shortened is no reason to refuse it.</summary>
    private void Snapshot()
    {
        try
        {
            _files.Snapshot(_state);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            EmbeddedTreeLog.SnapshotFailed(_logger, _files.LogBytes, e);
        }

        _nextSnapshotBytes = _files.LogBytes + Math.Max(_snapshotAfterBytes, _files.SnapshotBytes);
    }

    private void RemoveEphemerals(Func<long, bool> ofOwner)
    {
        List<string> paths = _state.EphemeralPaths(ofOwner);
        if (paths.Count > 0)
        {
            Commit(paths.ConvertAll(TreeChange.Deletion));
        }
    }

    /// <summary>Ends a watch of a subtree.</summary>
    private sealed class TreeWatch(EmbeddedTree tree, string path, Action<WatchedEvent> watch) : IAsyncDisposable
    {
        private bool _isRemoved;

        public ValueTask DisposeAsync()
        {
            lock (tree._lock)
            {
                if (!_isRemoved)
                {
                    _isRemoved = true;
                    tree._watches.RemoveRecursive(path, watch);
                }
            }

            return default;
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

internal static partial class EmbeddedTreeLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "The log of the coordination tree, {LogBytes} bytes, could not be replaced by a snapshot; it grows on and this is tried again later")]
    public static partial void SnapshotFailed(ILogger logger, long logBytes, Exception cause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The session's nodes could not be removed from the coordination tree at the end; the next start does it")]
    public static partial void CloseFailed(ILogger logger, Exception cause);
}
