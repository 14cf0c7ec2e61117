namespace Broker.Cluster;

/// <summary>
/// The coordination tree: ZooKeeper's data model and guarantees, whichever store keeps it. Thread-safe. Every store passes the same contract tests.
/// <para><b>Nodes</b> have absolute paths (<c>/a/b</c>), bytes, a <see cref="NodeStat"/> and children. The root exists always and cannot be deleted. A
/// parent must exist before its children, outlives them, and is not ephemeral. Bytes given and returned belong to the receiver: nobody changes them later.</para>
/// <para><b>Atomicity.</b> Every change happens as a whole or not at all, also across a crash of the process or the machine: it is durable when its task
/// completes, and a crash before that leaves either all or nothing of it. Changes are numbered by one ascending zxid; all operations of a
/// <see cref="MultiAsync"/> share one. A read sees every change of this session that completed before it was asked, and nothing of one that is still undecided.
/// Of other sessions' changes it may be behind, but never goes back; <see cref="SyncAsync"/> catches up.</para>
/// <para><b>Failure.</b> A refused operation changes nothing and throws <see cref="CoordinationException"/> with the reason. After ConnectionLoss, and
/// after StoreFailed when its message says so, nobody knows whether the change happened (<see cref="CoordinationException.IsOutcomeUnknown"/>): read before
/// trying again. No store repeats a change by itself. Reads never fail halfway.</para>
/// <para><b>Sessions.</b> One instance is one session. Ephemeral nodes vanish with the session that made them: on dispose, on expiry, and at the next start
/// after a crash. An expired or disposed session refuses everything.</para>
/// <para><b>Watches</b> fire once, after the change they tell of and before any read that is asked after that change completed. Events come in the order of
/// the changes, one callback at a time; a callback must neither block nor throw, and may call the tree: what it changes is told after the events that are
/// already due. Several watches on one node all fire. A watch of a read that fails is not set, except by <see cref="ExistsAsync"/> on a node that is missing.
/// They outlive lost connections: what happened meanwhile is told afterwards. When the session expires, each is told that once and is gone.</para>
/// </summary>
public interface ICoordinationTree : IAsyncDisposable
{
    /// <summary>Identifies the session: owner of the ephemeral nodes made through this instance. Never 0, and never that of an earlier session that owned a node.</summary>
    long SessionId { get; }

    TreeConnection Connection { get; }

    /// <summary>Told of every change of <see cref="Connection"/>, in order with the events of watches and under the same rules.</summary>
    event Action<TreeConnection>? ConnectionChanged;

    /// <summary>
    /// Creates a node and returns its path. A sequential one gets ten digits appended: the number of children its parent ever had before, so that later
    /// ones sort after earlier ones and no number comes twice.
    /// </summary>
    /// <exception cref="CoordinationException">NodeExists; NoNode (no parent); NoChildrenForEphemerals; BadArguments.</exception>
    ValueTask<string> CreateAsync(string path, ReadOnlyMemory<byte> data, CreateMode mode = CreateMode.Persistent);

    /// <summary>Bytes and stat, of one moment. The watch tells of the next change of the bytes or the deletion.</summary>
    /// <exception cref="CoordinationException">NoNode; BadArguments.</exception>
    ValueTask<TreeNode> GetAsync(string path, Action<WatchedEvent>? watch = null);

    /// <summary>The node's stat, or null when there is none; the watch tells of its creation, change or deletion.</summary>
    /// <exception cref="CoordinationException">BadArguments.</exception>
    ValueTask<NodeStat?> ExistsAsync(string path, Action<WatchedEvent>? watch = null);

    /// <summary>Names of the children, in ordinal order. The watch tells of a child made or deleted, or of the deletion of the node itself.</summary>
    /// <exception cref="CoordinationException">NoNode; BadArguments.</exception>
    ValueTask<IReadOnlyList<string>> ChildrenAsync(string path, Action<WatchedEvent>? watch = null);

    /// <param name="path">The node.</param>
    /// <param name="data">Its new bytes.</param>
    /// <param name="version">The version it must have; -1 for any.</param>
    /// <exception cref="CoordinationException">NoNode; BadVersion; BadArguments.</exception>
    ValueTask<NodeStat> SetAsync(string path, ReadOnlyMemory<byte> data, int version = TreeOperation.AnyVersion);

    /// <exception cref="CoordinationException">NoNode; BadVersion; NotEmpty; BadArguments.</exception>
    ValueTask DeleteAsync(string path, int version = TreeOperation.AnyVersion);

    /// <summary>Applies all operations or none, each seeing the ones before it. Results are in the order of the operations.</summary>
    /// <exception cref="CoordinationException">The first operation that failed, with its index.</exception>
    ValueTask<IReadOnlyList<OperationResult>> MultiAsync(IReadOnlyList<TreeOperation> operations);

    /// <summary>What is read afterwards has every change that any session was told of before this was asked.</summary>
    ValueTask SyncAsync();

    /// <summary>
    /// Tells of every node made, changed or deleted at the path and below, until the result is disposed; the path need not exist. Children that come and go
    /// are told by their own events only. Unlike the other watches it is not told what happened while the connection was away, only that there may be something.
    /// </summary>
    /// <exception cref="CoordinationException">BadArguments; Unsupported (ZooKeeper before 3.6).</exception>
    ValueTask<IAsyncDisposable> WatchTreeAsync(string path, Action<WatchedEvent> watch);
}
