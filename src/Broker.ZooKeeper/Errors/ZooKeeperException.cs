namespace Broker.ZooKeeper;

/// <summary>What can go wrong between a caller and ZooKeeper; each kind has its own type.</summary>
public abstract class ZooKeeperException(string message, Exception? cause = null) : Exception(message, cause);
