namespace Broker.ZooKeeper;

/// <summary>
/// The watch that a server keeps on a path until it is removed, and who is told. Changed under the lock of <see cref="WatchRegistry"/> only.
/// </summary>
internal sealed class PersistentWatch(bool isRecursive, Task added)
{
    public bool IsRecursive { get; } = isRecursive;

    /// <summary>Completes when the server has answered; fails when it refused.</summary>
    public Task Added { get; } = added;

    public bool IsEstablished { get; set; }

    public List<Action<ZooKeeperEvent>> Watchers { get; } = [];

    /// <summary>
    /// One-shot watches at the same path depend on this one, so it stays at the server. Servers before 3.9 keep one watch for each connection and path:
    /// a second kind there replaces the first, and removing one removes both.
    /// </summary>
    public bool IsPinned { get; set; }
}
