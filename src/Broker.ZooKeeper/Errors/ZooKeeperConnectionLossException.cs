namespace Broker.ZooKeeper;

/// <summary>The connection went away. The session may live on.</summary>
public sealed class ZooKeeperConnectionLossException(string message, bool isOutcomeUnknown, Exception? cause = null) : ZooKeeperException(message, cause)
{
    /// <summary>True for a change that was sent and not answered: it may or may not have happened. False when it certainly did not.</summary>
    public bool IsOutcomeUnknown { get; } = isOutcomeUnknown;
}
