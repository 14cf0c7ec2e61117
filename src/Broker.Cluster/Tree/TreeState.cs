namespace Broker.Cluster;

/// <summary>
/// The tree in memory: decides operations (through <see cref="TreeDecision"/>) and applies decided changes. No clock, no files, no locks:
/// <see cref="EmbeddedTree"/> owns it and supplies all three.
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
        var decision = new TreeDecision(this, sessionId, operations.Count);
        for (int i = 0; i < operations.Count; i++)
        {
            decision.Add(operations[i], i);
        }

        return decision.Changes;
    }

    /// <param name="transaction">The changes.</param>
    /// <param name="stats">Takes, for each change, the node's stat as the change left it if it changed bytes, else null.</param>
    /// <exception cref="InvalidDataException">The changes do not fit this tree: they were read from a damaged or foreign file.</exception>
    public void Apply(TreeTransaction transaction, List<NodeStat?>? stats = null)
    {
        LastZxid = transaction.Zxid;
        foreach (TreeChange change in transaction.Changes)
        {
            switch (change.Kind)
            {
                case TreeOperationKind.Create:
                    Node parent = Existing(TreePath.Parent(change.Path));
                    _nodes[change.Path] = new Node(change.Data, transaction.Zxid, transaction.TimeMs, change.EphemeralOwner);
                    parent.AddChild(TreePath.Name(change.Path));
                    parent.Cversion++;
                    parent.CreatedChildren++;
                    parent.Pzxid = transaction.Zxid;
                    break;
                case TreeOperationKind.Set:
                    Node node = Existing(change.Path);
                    node.Data = change.Data;
                    node.Version++;
                    node.Mzxid = transaction.Zxid;
                    node.MtimeMs = transaction.TimeMs;
                    break;
                case TreeOperationKind.Delete:
                    _nodes.Remove(change.Path);
                    Node former = Existing(TreePath.Parent(change.Path));
                    former.RemoveChild(TreePath.Name(change.Path));
                    former.Cversion++;
                    former.Pzxid = transaction.Zxid;
                    break;
                default:
                    throw new InvalidDataException($"change {transaction.Zxid} is of unknown kind {(byte)change.Kind}");
            }

            stats?.Add(change.Kind == TreeOperationKind.Set ? Existing(change.Path).Stat() : null);
        }
    }

    /// <summary>Puts back a node of a snapshot; parents come before children.</summary>
    public void Restore(string path, Node node)
    {
        if (path != "/")
        {
            Existing(TreePath.Parent(path)).AddChild(TreePath.Name(path));
        }

        _nodes[path] = node;
    }

    public void RestoreZxid(long zxid) => LastZxid = zxid;

    public List<string> EphemeralPaths(Func<long, bool> ofOwner) =>
        [.. _nodes.Where(n => n.Value.EphemeralOwner != 0 && ofOwner(n.Value.EphemeralOwner)).Select(n => n.Key).Order(StringComparer.Ordinal)];

    private Node Existing(string path) => _nodes.TryGetValue(path, out Node? node) ? node : throw new InvalidDataException($"{path} does not exist, but a change needs it");

    /// <summary>A node; changed only by <see cref="Apply"/>, and its bytes only by replacing the array.</summary>
    internal sealed class Node(byte[] data, long zxid, long timeMs, long ephemeralOwner)
    {
        // Most nodes are leaves: they have no set.
        private SortedSet<string>? _children;

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

        public IReadOnlyCollection<string> Children => _children ?? (IReadOnlyCollection<string>)[];

        public void AddChild(string name) => (_children ??= new SortedSet<string>(StringComparer.Ordinal)).Add(name);

        public void RemoveChild(string name) => _children?.Remove(name);

        public NodeStat Stat() => new(Czxid, Mzxid, Pzxid, CtimeMs, MtimeMs, Version, Cversion, EphemeralOwner, Data.Length, Children.Count);
    }
}
