namespace Broker.ZooKeeper;

/// <summary>The peer sent bytes that are not ZooKeeper's protocol, or more than this client takes. The connection was given up.</summary>
public sealed class ZooKeeperProtocolException(string message, Exception? cause = null) : ZooKeeperException(message, cause)
{
    /// <summary>True for a change that was sent and not answered: it may or may not have happened.</summary>
    public bool IsOutcomeUnknown { get; init; }
}
