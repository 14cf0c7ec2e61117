namespace Broker.ZooKeeper;

/// <summary>Where a client stands. The last three are final.</summary>
public enum ZooKeeperState
{
    /// <summary>Without a connection, and looking for one. The session may live on: requests wait.</summary>
    Connecting,
    Connected,

    /// <summary>The server ended the session.</summary>
    Expired,

    /// <summary>The server did not accept the credentials.</summary>
    AuthFailed,

    /// <summary>The client was disposed.</summary>
    Closed,
}
