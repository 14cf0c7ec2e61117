namespace Broker.ZooKeeper;

/// <summary>One operation of a multi.</summary>
public readonly record struct ZooKeeperOperation
{
    public const int AnyVersion = -1;

    private ZooKeeperOperation(OpCode op, string path, ReadOnlyMemory<byte> data, int version)
    {
        Op = op;
        Path = path;
        Data = data;
        Version = version;
    }

    public string Path { get; }

    internal OpCode Op { get; }

    internal ReadOnlyMemory<byte> Data { get; }

    internal int Version { get; }

    internal ZooKeeperCreateMode Mode { get; private init; }

    internal IReadOnlyList<ZooKeeperAcl>? Acl { get; private init; }

    /// <param name="path">The node.</param>
    /// <param name="data">Its bytes.</param>
    /// <param name="mode">Its kind; not one with a time to live.</param>
    /// <param name="acl">Who may do what; null for everybody everything.</param>
    public static ZooKeeperOperation Create(string path, ReadOnlyMemory<byte> data, ZooKeeperCreateMode mode = ZooKeeperCreateMode.Persistent, IReadOnlyList<ZooKeeperAcl>? acl = null) =>
        new(OpCode.Create, path, data, AnyVersion) { Mode = mode, Acl = acl };

    public static ZooKeeperOperation SetData(string path, ReadOnlyMemory<byte> data, int version = AnyVersion) => new(OpCode.SetData, path, data, version);

    public static ZooKeeperOperation Delete(string path, int version = AnyVersion) => new(OpCode.Delete, path, default, version);

    public static ZooKeeperOperation Check(string path, int version) => new(OpCode.Check, path, default, version);
}
