namespace Broker.ZooKeeper;

/// <summary>The server did not accept the credentials. The client does not try again.</summary>
public sealed class ZooKeeperAuthFailedException(string message, Exception? cause = null) : ZooKeeperException(message, cause);
