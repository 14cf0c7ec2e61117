namespace Broker.Cluster;

/// <summary>
/// The coordination tree: ZooKeeper's data model and guarantees, whichever store keeps it.
/// <para>Nodes have absolute paths (<c>/a/b</c>), bytes, and a version that counts their changes. Every change is atomic and durable when its task
/// completes; a <see cref="MultiAsync"/> happens as a whole or not at all. Changes are numbered by one ascending zxid. A failed operation changes nothing
/// and throws <see cref="CoordinationException"/>.</para>
/// <para>Ephemeral nodes vanish with the session that made them: on dispose, on expiry, and at the next start after a crash.</para>
/// <para>A watch fires once, after the change it tells of and before any later read by the same session shows that change's consequences.
/// Callbacks run one at a time, must not block and may call the tree.</para>
/// <para>Thread-safe. Every implementation passes the same contract tests.</para>
/// </summary>
public interface ICoordinationTree : IAsyncDisposable
{
    /// <summary>Identifies the session: owner of the ephemeral nodes made through this instance.</summary>
    long SessionId { get; }

    /// <summary>Creates a node and returns its path, which ends in a ten-digit number for sequential ones.</summary>
    /// <exception cref="CoordinationException">NodeExists; NoNode (no parent); NoChildrenForEphemerals.</exception>
    ValueTask<string> CreateAsync(string path, ReadOnlyMemory<byte> data, CreateMode mode = CreateMode.Persistent);

    /// <exception cref="CoordinationException">NoNode.</exception>
    ValueTask<TreeNode> GetAsync(string path, Action<WatchedEvent>? watch = null);

    /// <summary>The node's stat, or null when there is none; the watch tells of its creation, change or deletion.</summary>
    ValueTask<NodeStat?> ExistsAsync(string path, Action<WatchedEvent>? watch = null);

    /// <summary>Names of the children, in ordinal order.</summary>
    /// <exception cref="CoordinationException">NoNode.</exception>
    ValueTask<IReadOnlyList<string>> ChildrenAsync(string path, Action<WatchedEvent>? watch = null);

    /// <param name="path">The node.</param>
    /// <param name="data">Its new bytes.</param>
    /// <param name="version">The version it must have; -1 for any.</param>
    /// <exception cref="CoordinationException">NoNode; BadVersion.</exception>
    ValueTask<NodeStat> SetAsync(string path, ReadOnlyMemory<byte> data, int version = TreeOperation.AnyVersion);

    /// <exception cref="CoordinationException">NoNode; BadVersion; NotEmpty.</exception>
    ValueTask DeleteAsync(string path, int version = TreeOperation.AnyVersion);

    /// <summary>Applies all operations or none. Results are in the order of the operations.</summary>
    /// <exception cref="CoordinationException">The first operation that failed, with its index.</exception>
    ValueTask<IReadOnlyList<OperationResult>> MultiAsync(IReadOnlyList<TreeOperation> operations);
}

public enum CreateMode
{
    Persistent,
    Ephemeral,
    PersistentSequential,
    EphemeralSequential,
}

public enum WatchedEventType
{
    NodeCreated,
    NodeDeleted,
    NodeDataChanged,
    NodeChildrenChanged,
    SessionExpired,
}

public readonly record struct WatchedEvent(WatchedEventType Type, string Path);

/// <summary>What a store knows of a node besides its bytes; ZooKeeper's field names.</summary>
public sealed record NodeStat(long Czxid, long Mzxid, long Pzxid, long CtimeMs, long MtimeMs, int Version, int Cversion, long EphemeralOwner, int DataLength, int NumChildren);

public sealed record TreeNode(byte[] Data, NodeStat Stat);

public enum TreeOperationKind : byte
{
    Create = 1,
    Set = 2,
    Delete = 3,
    Check = 4,
}

/// <summary>One operation of a multi.</summary>
public sealed record TreeOperation(TreeOperationKind Kind, string Path, ReadOnlyMemory<byte> Data, int Version, CreateMode Mode)
{
    public const int AnyVersion = -1;

    public static TreeOperation Create(string path, ReadOnlyMemory<byte> data, CreateMode mode = CreateMode.Persistent) => new(TreeOperationKind.Create, path, data, AnyVersion, mode);

    public static TreeOperation Set(string path, ReadOnlyMemory<byte> data, int version = AnyVersion) => new(TreeOperationKind.Set, path, data, version, default);

    public static TreeOperation Delete(string path, int version = AnyVersion) => new(TreeOperationKind.Delete, path, default, version, default);

    /// <summary>Fails the whole multi unless the node has this version.</summary>
    public static TreeOperation Check(string path, int version) => new(TreeOperationKind.Check, path, default, version, default);
}

/// <summary>Path of what an operation touched (with the number of a sequential node) and the node's stat afterwards; null after a delete.</summary>
public sealed record OperationResult(string Path, NodeStat? Stat);

public enum CoordinationError
{
    NoNode,
    NodeExists,
    BadVersion,
    NotEmpty,
    NoChildrenForEphemerals,
    BadArguments,
    ConnectionLoss,
    SessionExpired,
    Closed,
}

/// <summary>An operation that the tree refused or could not do; nothing was changed, except that after ConnectionLoss nobody knows.</summary>
public sealed class CoordinationException(CoordinationError error, string path, string message, int operationIndex = 0) : Exception(message)
{
    public CoordinationError Error { get; } = error;

    public string Path { get; } = path;

    /// <summary>Which operation of a multi failed.</summary>
    public int OperationIndex { get; } = operationIndex;
}
