namespace Broker.ZooKeeper;

/// <summary>The path of a node that was made, with its number if it is a sequential one. No stat from servers before 3.5.</summary>
public readonly record struct ZooKeeperCreated(string Path, ZooKeeperStat? Stat);

/// <summary>A node as it was at one moment.</summary>
public readonly record struct ZooKeeperNode(byte[] Data, ZooKeeperStat Stat);

/// <summary>Names of a node's children, in no order, and the node's own stat.</summary>
public readonly record struct ZooKeeperChildren(IReadOnlyList<string> Names, ZooKeeperStat Stat);

/// <summary>What an operation of a multi did: the node's path and, for a change of bytes, its stat right after it. Servers give none for a creation.</summary>
public readonly record struct ZooKeeperOperationResult(string Path, ZooKeeperStat? Stat);

/// <summary>One answer of a multi-read: the node, or why it could not be read.</summary>
public readonly record struct ZooKeeperReadResult(ZooKeeperError Error, ZooKeeperNode Node);
