namespace Broker.ZooKeeper;

[Flags]
public enum ZooKeeperPermissions
{
    None = 0,
    Read = 1,
    Write = 2,
    Create = 4,
    Delete = 8,
    Admin = 16,
    All = Read | Write | Create | Delete | Admin,
}

/// <summary>One line of a node's access list.</summary>
public sealed record ZooKeeperAcl(ZooKeeperPermissions Permissions, string Scheme, string Id)
{
    /// <summary>Everybody may do everything.</summary>
    public static IReadOnlyList<ZooKeeperAcl> Open { get; } = [new(ZooKeeperPermissions.All, "world", "anyone")];

    /// <summary>Whoever creates the node may do everything; the session needs credentials.</summary>
    public static IReadOnlyList<ZooKeeperAcl> CreatorAll { get; } = [new(ZooKeeperPermissions.All, "auth", "")];

    /// <summary>As <see cref="CreatorAll"/>, and everybody may read: what Kafka gives most of its nodes under zookeeper.set.acl.</summary>
    public static IReadOnlyList<ZooKeeperAcl> CreatorAllWorldRead { get; } = [.. CreatorAll, new(ZooKeeperPermissions.Read, "world", "anyone")];

    internal static ZooKeeperAcl[] ReadList(ref JuteReader reader)
    {
        var list = new ZooKeeperAcl[reader.ReadCount(minElementBytes: 12)];
        for (int i = 0; i < list.Length; i++)
        {
            list[i] = new ZooKeeperAcl((ZooKeeperPermissions)reader.ReadInt32(), reader.ReadString(), reader.ReadString());
        }

        return list;
    }
}
