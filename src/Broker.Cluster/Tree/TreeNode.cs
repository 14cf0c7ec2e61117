namespace Broker.Cluster;

/// <summary>What a store knows of a node besides its bytes; ZooKeeper's field names.</summary>
/// <param name="Czxid">The change that made it.</param>
/// <param name="Mzxid">The last change of its bytes.</param>
/// <param name="Pzxid">The last change of its list of children.</param>
/// <param name="CtimeMs">When it was made, in Unix milliseconds.</param>
/// <param name="MtimeMs">When its bytes last changed, in Unix milliseconds.</param>
/// <param name="Version">Counts the changes of its bytes, from 0.</param>
/// <param name="Cversion">Counts the changes of its list of children.</param>
/// <param name="EphemeralOwner">The session it belongs to; 0 for persistent nodes.</param>
/// <param name="DataLength">Number of its bytes.</param>
/// <param name="NumChildren">Number of its children.</param>
public sealed record NodeStat(long Czxid, long Mzxid, long Pzxid, long CtimeMs, long MtimeMs, int Version, int Cversion, long EphemeralOwner, int DataLength, int NumChildren)
{
    /// <summary>Counts the changes of its access list, which are not kept: 0 in the embedded store.</summary>
    public int Aversion { get; init; }
}

/// <summary>A node as it was at one moment.</summary>
public sealed record TreeNode(byte[] Data, NodeStat Stat);

public enum WatchedEventType
{
    NodeCreated,
    NodeDeleted,
    NodeDataChanged,
    NodeChildrenChanged,

    /// <summary>The session is over, and the watch with it.</summary>
    SessionExpired,

    /// <summary>
    /// To watches of a whole subtree: the connection was away, and changes in between were not told. What is read from now on has them, and the watch tells
    /// of all later ones.
    /// </summary>
    Reconnected,
}

public readonly record struct WatchedEvent(WatchedEventType Type, string Path);
