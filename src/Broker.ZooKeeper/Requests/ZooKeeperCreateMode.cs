namespace Broker.ZooKeeper;

/// <summary>Kinds of nodes; numbers of the protocol.</summary>
public enum ZooKeeperCreateMode
{
    Persistent = 0,
    Ephemeral = 1,
    PersistentSequential = 2,
    EphemeralSequential = 3,

    /// <summary>Removed by the server when it had no children and no change for a time; extended types must be switched on there.</summary>
    PersistentWithTimeToLive = 5,
    PersistentSequentialWithTimeToLive = 6,
}
