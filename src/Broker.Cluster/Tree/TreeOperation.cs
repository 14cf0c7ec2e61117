namespace Broker.Cluster;

public enum CreateMode
{
    Persistent,
    Ephemeral,
    PersistentSequential,
    EphemeralSequential,
}

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

    internal bool IsSequential => Kind == TreeOperationKind.Create && Mode is CreateMode.PersistentSequential or CreateMode.EphemeralSequential;

    internal bool IsEphemeral => Kind == TreeOperationKind.Create && Mode is CreateMode.Ephemeral or CreateMode.EphemeralSequential;
}

/// <summary>
/// Path of what an operation touched (with the number of a sequential node) and, for a change of bytes, the node's stat as the operation left it: later
/// operations of the same multi are not in it. Null for the others, because ZooKeeper does not tell; who needs the stat of a node he makes sets it as well.
/// </summary>
public sealed record OperationResult(string Path, NodeStat? Stat);
