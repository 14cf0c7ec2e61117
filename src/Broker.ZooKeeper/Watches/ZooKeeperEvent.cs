namespace Broker.ZooKeeper;

public enum ZooKeeperEventType
{
    NodeCreated = 1,
    NodeDeleted = 2,
    NodeDataChanged = 3,
    NodeChildrenChanged = 4,

    /// <summary>
    /// To persistent watches: the connection was away and is back, and changes in between were not told. What is read from now on has them, and the watch
    /// tells of all later ones.
    /// </summary>
    Reconnected = 100,

    /// <summary>The session ended; the watch is gone.</summary>
    SessionExpired = 101,
}

/// <summary>What a watch tells: of which node, in the client's paths (without the chroot).</summary>
public readonly record struct ZooKeeperEvent(ZooKeeperEventType Type, string Path);
