namespace Broker.Cluster;

/// <summary>A change that was decided and only has to be done: what the log keeps. Applying it cannot fail.</summary>
internal readonly record struct TreeChange(TreeOperationKind Kind, string Path, byte[] Data, long EphemeralOwner);

/// <summary>All changes of one atomic step.</summary>
internal sealed record TreeTransaction(long Zxid, long TimeMs, IReadOnlyList<TreeChange> Changes);

/// <summary>
/// The tree in memory: decides operations (pure, against a view of the changes decided so far) and applies decided changes. No clock, no files,
/// no locks: <see cref="EmbeddedTree"/> owns it and supplies all three.
/// </summary>
internal sealed class TreeState
{
    private readonly Dictionary<string, Node> _nodes = new(StringComparer.Ordinal) { ["/"] = new Node([], 0, 0, 0) };

    public long LastZxid { get; private set; }

    public int Count => _nodes.Count;

    public IEnumerable<KeyValuePair<string, Node>> Nodes => _nodes;

    public Node? Find(string path) => _nodes.GetValueOrDefault(path);

    /// <summary>Checks all operations in order, each seeing the ones before it, and returns the changes they amount to.</summary>
    public List<TreeChange> Decide(IReadOnlyList<TreeOperation> operations, long sessionId)
    {
        var view = new View(this);
        var changes = new List<TreeChange>(operations.Count);
        for (int i = 0; i < operations.Count; i++)
        {
            TreeOperation operation = operations[i];
            TreePath.Validate(operation.Path);
            switch (operation.Kind)
            {
                case TreeOperationKind.Create:
                    changes.Add(view.Create(operation, sessionId, i));
                    break;
                case TreeOperationKind.Set:
                    view.Require(operation, i);
                    changes.Add(new TreeChange(TreeOperationKind.Set, operation.Path, operation.Data.ToArray(), 0));
                    view.Changed(operation.Path);
                    break;
                case TreeOperationKind.Delete:
                    view.Delete(operation, i);
                    changes.Add(new TreeChange(TreeOperationKind.Delete, operation.Path, [], 0));
                    break;
                case TreeOperationKind.Check:
                    view.Require(operation, i);
                    break;
            }
        }

        return changes;
    }

    public void Apply(TreeTransaction transaction)
    {
        LastZxid = transaction.Zxid;
        foreach (TreeChange change in transaction.Changes)
        {
            switch (change.Kind)
            {
                case TreeOperationKind.Create:
                    _nodes[change.Path] = new Node(change.Data, transaction.Zxid, transaction.TimeMs, change.EphemeralOwner);
                    Node parent = _nodes[TreePath.Parent(change.Path)];
                    parent.Children.Add(TreePath.Name(change.Path));
                    parent.Cversion++;
                    parent.CreatedChildren++;
                    parent.Pzxid = transaction.Zxid;
                    break;
                case TreeOperationKind.Set:
                    Node node = _nodes[change.Path];
                    node.Data = change.Data;
                    node.Version++;
                    node.Mzxid = transaction.Zxid;
                    node.MtimeMs = transaction.TimeMs;
                    break;
                case TreeOperationKind.Delete:
                    _nodes.Remove(change.Path);
                    Node former = _nodes[TreePath.Parent(change.Path)];
                    former.Children.Remove(TreePath.Name(change.Path));
                    former.Cversion++;
                    former.Pzxid = transaction.Zxid;
                    break;
            }
        }
    }

    /// <summary>Puts back a node of a snapshot; parents come before children.</summary>
    public void Restore(string path, Node node)
    {
        _nodes[path] = node;
        if (path != "/")
        {
            _nodes[TreePath.Parent(path)].Children.Add(TreePath.Name(path));
        }
    }

    public void RestoreZxid(long zxid) => LastZxid = zxid;

    public List<string> EphemeralPaths(Func<long, bool> ofOwner) =>
        [.. _nodes.Where(n => n.Value.EphemeralOwner != 0 && ofOwner(n.Value.EphemeralOwner)).Select(n => n.Key).Order(StringComparer.Ordinal)];

    /// <summary>A node; changed only by <see cref="Apply"/>.</summary>
    internal sealed class Node(byte[] data, long zxid, long timeMs, long ephemeralOwner)
    {
        public byte[] Data { get; set; } = data;

        public long Czxid { get; init; } = zxid;

        public long Mzxid { get; set; } = zxid;

        public long Pzxid { get; set; } = zxid;

        public long CtimeMs { get; init; } = timeMs;

        public long MtimeMs { get; set; } = timeMs;

        public int Version { get; set; }

        public int Cversion { get; set; }

        /// <summary>Children ever made: the number of the next sequential one.</summary>
        public int CreatedChildren { get; set; }

        public long EphemeralOwner { get; } = ephemeralOwner;

        public SortedSet<string> Children { get; } = new(StringComparer.Ordinal);

        public NodeStat Stat() => new(Czxid, Mzxid, Pzxid, CtimeMs, MtimeMs, Version, Cversion, EphemeralOwner, Data.Length, Children.Count);
    }

    /// <summary>The tree as it will be after the changes decided so far.</summary>
    private sealed class View(TreeState state)
    {
        private readonly Dictionary<string, Entry> _touched = new(StringComparer.Ordinal);

        public TreeChange Create(TreeOperation operation, long sessionId, int index)
        {
            string parentPath = TreePath.Parent(operation.Path);
            Entry parent = Look(parentPath);
            if (operation.Path == "/" || !parent.Exists)
            {
                throw operation.Path == "/"
                    ? new CoordinationException(CoordinationError.NodeExists, "/", "The root always exists", index)
                    : new CoordinationException(CoordinationError.NoNode, parentPath, $"Cannot create {operation.Path}: {parentPath} does not exist", index);
            }

            if (parent.IsEphemeral)
            {
                throw new CoordinationException(CoordinationError.NoChildrenForEphemerals, parentPath, $"Cannot create {operation.Path}: {parentPath} is ephemeral and can have no children", index);
            }

            bool sequential = operation.Mode is CreateMode.PersistentSequential or CreateMode.EphemeralSequential;
            string path = sequential ? $"{operation.Path}{parent.CreatedChildren:D10}" : operation.Path;
            if (Look(path).Exists)
            {
                throw new CoordinationException(CoordinationError.NodeExists, path, $"{path} exists already", index);
            }

            bool ephemeral = operation.Mode is CreateMode.Ephemeral or CreateMode.EphemeralSequential;
            _touched[parentPath] = parent with { Children = parent.Children + 1, CreatedChildren = parent.CreatedChildren + 1 };
            _touched[path] = new Entry(true, 0, ephemeral, 0, 0);
            return new TreeChange(TreeOperationKind.Create, path, operation.Data.ToArray(), ephemeral ? sessionId : 0);
        }

        public void Delete(TreeOperation operation, int index)
        {
            Entry entry = Require(operation, index);
            if (operation.Path == "/" || entry.Children > 0)
            {
                throw new CoordinationException(CoordinationError.NotEmpty, operation.Path, $"Cannot delete {operation.Path}: it has {entry.Children} children", index);
            }

            string parentPath = TreePath.Parent(operation.Path);
            Entry parent = Look(parentPath);
            _touched[parentPath] = parent with { Children = parent.Children - 1 };
            _touched[operation.Path] = default;
        }

        public Entry Require(TreeOperation operation, int index)
        {
            Entry entry = Look(operation.Path);
            return !entry.Exists ? throw new CoordinationException(CoordinationError.NoNode, operation.Path, $"{operation.Path} does not exist", index)
                : operation.Version != TreeOperation.AnyVersion && operation.Version != entry.Version
                    ? throw new CoordinationException(CoordinationError.BadVersion, operation.Path, $"{operation.Path} has version {entry.Version}, not {operation.Version}", index)
                : entry;
        }

        public void Changed(string path)
        {
            Entry entry = Look(path);
            _touched[path] = entry with { Version = entry.Version + 1 };
        }

        private Entry Look(string path) =>
            _touched.TryGetValue(path, out Entry touched) ? touched
            : state.Find(path) is { } node ? new Entry(true, node.Version, node.EphemeralOwner != 0, node.Children.Count, node.CreatedChildren)
            : default;

        internal readonly record struct Entry(bool Exists, int Version, bool IsEphemeral, int Children, int CreatedChildren);
    }
}
