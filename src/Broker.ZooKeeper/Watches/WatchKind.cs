namespace Broker.ZooKeeper;

/// <summary>What a one-shot watch waits for; the server keeps the same lists.</summary>
internal enum WatchKind
{
    /// <summary>Change or deletion of a node that exists.</summary>
    Data,

    /// <summary>Creation of a node that does not.</summary>
    Existence,

    /// <summary>Children of a node made or deleted, or the node deleted.</summary>
    Children,
}
