namespace Broker.ZooKeeper;

/// <summary>The session is over; its ephemeral nodes and watches are gone. Go on with a new client.</summary>
public sealed class ZooKeeperSessionExpiredException(long sessionId, bool isOutcomeUnknown = false)
    : ZooKeeperException($"ZooKeeper ended session 0x{sessionId:x}: it heard nothing from it for the session timeout, or the session was closed elsewhere")
{
    /// <summary>True for a change that was sent and not answered before the session ended: it may or may not have happened.</summary>
    public bool IsOutcomeUnknown { get; } = isOutcomeUnknown;
}
