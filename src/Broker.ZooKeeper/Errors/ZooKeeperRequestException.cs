namespace Broker.ZooKeeper;

/// <summary>The server refused an operation; nothing was changed.</summary>
public sealed class ZooKeeperRequestException(ZooKeeperError error, string path, string message, int operationIndex = 0) : ZooKeeperException(message)
{
    public ZooKeeperError Error { get; } = error;

    public string Path { get; } = path;

    /// <summary>Which operation of a multi was refused.</summary>
    public int OperationIndex { get; } = operationIndex;

    internal static ZooKeeperRequestException Of(ZooKeeperError error, string path, int operationIndex = 0) => new(error, path, Describe(error, path), operationIndex);

    private static string Describe(ZooKeeperError error, string path) => error switch
    {
        ZooKeeperError.NoNode => $"{path} does not exist, or its parent does not",
        ZooKeeperError.NodeExists => $"{path} exists already",
        ZooKeeperError.BadVersion => $"{path} has another version",
        ZooKeeperError.NotEmpty => $"{path} has children",
        ZooKeeperError.NoChildrenForEphemerals => $"The parent of {path} is ephemeral and can have no children",
        ZooKeeperError.NoAuth => $"ZooKeeper does not permit this session the operation on {path}: compare the node's access list with the credentials the session has",
        ZooKeeperError.InvalidAcl => $"ZooKeeper does not take the access list for {path}; 'creator' needs a session with credentials",
        ZooKeeperError.BadArguments => $"ZooKeeper does not take the arguments for {path}",
        ZooKeeperError.Unimplemented => $"This ZooKeeper server does not know the operation on {path}; it is too old or has it switched off",
        ZooKeeperError.QuotaExceeded => $"A quota of ZooKeeper forbids the change of {path}",
        _ => $"ZooKeeper refused the operation on {path}: {error} ({(int)error})",
    };
}
