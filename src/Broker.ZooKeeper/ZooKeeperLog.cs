using Microsoft.Extensions.Logging;

namespace Broker.ZooKeeper;

internal static partial class ZooKeeperLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Connected to ZooKeeper {Server}, session 0x{SessionId:x}, session timeout {TimeoutMs} ms")]
    public static partial void Connected(ILogger logger, ZooKeeperServerAddress server, long sessionId, int timeoutMs);

    [LoggerMessage(Level = LogLevel.Warning, Message = "ZooKeeper {Server} cannot be used: {Reason}")]
    public static partial void ConnectFailed(ILogger logger, ZooKeeperServerAddress server, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The connection to ZooKeeper {Server} was lost ({Reason}); session 0x{SessionId:x} goes on at the next server that answers in time")]
    public static partial void Lost(ILogger logger, ZooKeeperServerAddress server, long sessionId, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "ZooKeeper session 0x{SessionId:x} is over, says {Server}: its ephemeral nodes and watches are gone")]
    public static partial void Expired(ILogger logger, long sessionId, ZooKeeperServerAddress server);

    [LoggerMessage(Level = LogLevel.Error, Message = "ZooKeeper {Server} refused the credentials: {Reason}")]
    public static partial void AuthFailed(ILogger logger, ZooKeeperServerAddress server, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "ZooKeeper did not confirm the end of session 0x{SessionId:x} ({Reason}); its ephemeral nodes go when it expires")]
    public static partial void CloseUnconfirmed(ILogger logger, long sessionId, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "A watcher failed when it was told {Type} of {Path}")]
    public static partial void WatcherFailed(ILogger logger, ZooKeeperEventType type, string path, Exception cause);

    [LoggerMessage(Level = LogLevel.Error, Message = "A listener failed when it was told that the ZooKeeper session is {State}")]
    public static partial void ListenerFailed(ILogger logger, ZooKeeperState state, Exception cause);

    [LoggerMessage(Level = LogLevel.Critical, Message = "The ZooKeeper client ended by a defect of its own")]
    public static partial void Defect(ILogger logger, Exception cause);
}
