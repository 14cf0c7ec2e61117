namespace Broker.ZooKeeper;

/// <summary>The client was disposed.</summary>
public sealed class ZooKeeperClosedException(bool isOutcomeUnknown = false) : ZooKeeperException("The ZooKeeper client is closed")
{
    /// <summary>True for a change that was sent and not answered when the client closed: it may or may not have happened.</summary>
    public bool IsOutcomeUnknown { get; } = isOutcomeUnknown;
}
