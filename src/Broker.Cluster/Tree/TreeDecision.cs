namespace Broker.Cluster;

/// <summary>
/// Decides the operations of one multi against the tree as it will be after those before them. Changes nothing; throws at the first operation that is
/// refused, and then the whole decision is dropped.
/// </summary>
internal sealed class TreeDecision(TreeState state, long sessionId, int count)
{
    /// <summary>What a node may hold: the size of packet that Kafka allows its ZooKeeper client, so that what fits here fits there.</summary>
    private const int MaxDataBytes = 4 * 1024 * 1024;

    private readonly Dictionary<string, Entry> _touched = new(StringComparer.Ordinal);

    public List<TreeChange> Changes { get; } = new(count);

    public void Add(TreeOperation operation, int index)
    {
        TreePath.Validate(operation.Path, index, operation.IsSequential);
        if (operation.Data.Length > MaxDataBytes)
        {
            throw new CoordinationException(CoordinationError.BadArguments, operation.Path, $"{operation.Path} cannot hold {operation.Data.Length} bytes: the limit is {MaxDataBytes}", index);
        }

        switch (operation.Kind)
        {
            case TreeOperationKind.Create:
                Create(operation, index);
                break;
            case TreeOperationKind.Set:
                Entry entry = Require(operation, index);
                _touched[operation.Path] = entry with { Version = entry.Version + 1 };
                Changes.Add(new TreeChange(TreeOperationKind.Set, operation.Path, operation.Data.ToArray(), 0));
                break;
            case TreeOperationKind.Delete:
                Delete(operation, index);
                break;
            case TreeOperationKind.Check:
                Require(operation, index);
                break;
        }
    }

    private void Create(TreeOperation operation, int index)
    {
        if (operation.Path == "/" && !operation.IsSequential)
        {
            throw new CoordinationException(CoordinationError.NodeExists, "/", "The root always exists", index);
        }

        string parentPath = TreePath.Parent(operation.Path);
        Entry parent = Look(parentPath);
        if (!parent.Exists)
        {
            throw new CoordinationException(CoordinationError.NoNode, parentPath, $"Cannot create {operation.Path}: {parentPath} does not exist", index);
        }

        if (parent.IsEphemeral)
        {
            throw new CoordinationException(CoordinationError.NoChildrenForEphemerals, parentPath, $"Cannot create {operation.Path}: {parentPath} is ephemeral and can have no children", index);
        }

        string path = operation.IsSequential ? $"{operation.Path}{parent.CreatedChildren:D10}" : operation.Path;
        if (Look(path).Exists)
        {
            throw new CoordinationException(CoordinationError.NodeExists, path, $"{path} exists already", index);
        }

        _touched[parentPath] = parent with { Children = parent.Children + 1, CreatedChildren = parent.CreatedChildren + 1 };
        _touched[path] = new Entry(true, 0, operation.IsEphemeral, 0, 0);
        Changes.Add(new TreeChange(TreeOperationKind.Create, path, operation.Data.ToArray(), operation.IsEphemeral ? sessionId : 0));
    }

    private void Delete(TreeOperation operation, int index)
    {
        if (operation.Path == "/")
        {
            throw new CoordinationException(CoordinationError.BadArguments, "/", "The root cannot be deleted", index);
        }

        Entry entry = Require(operation, index);
        if (entry.Children > 0)
        {
            throw new CoordinationException(CoordinationError.NotEmpty, operation.Path, $"Cannot delete {operation.Path}: it has {entry.Children} children", index);
        }

        string parentPath = TreePath.Parent(operation.Path);
        Entry parent = Look(parentPath);
        _touched[parentPath] = parent with { Children = parent.Children - 1 };
        _touched[operation.Path] = default;
        Changes.Add(TreeChange.Deletion(operation.Path));
    }

    private Entry Require(TreeOperation operation, int index)
    {
        Entry entry = Look(operation.Path);
        return !entry.Exists ? throw new CoordinationException(CoordinationError.NoNode, operation.Path, $"{operation.Path} does not exist", index)
            : operation.Version != TreeOperation.AnyVersion && operation.Version != entry.Version
                ? throw new CoordinationException(CoordinationError.BadVersion, operation.Path, $"{operation.Path} has version {entry.Version}, not {operation.Version}", index)
            : entry;
    }

    private Entry Look(string path) =>
        _touched.TryGetValue(path, out Entry touched) ? touched
        : state.Find(path) is { } node ? new Entry(true, node.Version, node.EphemeralOwner != 0, node.Children.Count, node.CreatedChildren)
        : default;

    private readonly record struct Entry(bool Exists, int Version, bool IsEphemeral, int Children, int CreatedChildren);
}
