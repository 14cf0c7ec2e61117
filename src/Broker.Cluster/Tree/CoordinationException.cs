namespace Broker.Cluster;

public enum CoordinationError
{
    /// <summary>The node, or the parent of the node to create, does not exist.</summary>
    NoNode,
    NodeExists,

    /// <summary>The node changed since the caller read it.</summary>
    BadVersion,

    /// <summary>The node to delete has children.</summary>
    NotEmpty,
    NoChildrenForEphemerals,

    /// <summary>The path is not well-formed, or the bytes are more than a node may hold.</summary>
    BadArguments,

    /// <summary>The store could not be reached; a change may or may not have happened.</summary>
    ConnectionLoss,

    /// <summary>The session is over and its ephemeral nodes are gone; a new tree instance starts a new one.</summary>
    SessionExpired,

    /// <summary>The instance was disposed.</summary>
    Closed,

    /// <summary>The store cannot write, for instance because the disk is full; the message says whether trying again can help.</summary>
    StoreFailed,

    /// <summary>The store's access lists do not permit it, or it did not accept this session's credentials.</summary>
    NotPermitted,

    /// <summary>The store is too old for it.</summary>
    Unsupported,
}

/// <summary>An operation that the tree refused or could not do; see <see cref="ICoordinationTree"/> for when nothing was changed.</summary>
public sealed class CoordinationException(CoordinationError error, string path, string message, int operationIndex = 0, Exception? cause = null) : Exception(message, cause)
{
    public CoordinationError Error { get; } = error;

    public string Path { get; } = path;

    /// <summary>Which operation of a multi failed.</summary>
    public int OperationIndex { get; } = operationIndex;

    /// <summary>The change may or may not have happened. False when it certainly did not, for instance because it never left this process.</summary>
    public bool IsOutcomeUnknown { get; init; }
}
