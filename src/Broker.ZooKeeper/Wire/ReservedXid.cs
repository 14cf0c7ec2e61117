namespace Broker.ZooKeeper;

/// <summary>Numbers of frames that answer no request of a caller.</summary>
internal static class ReservedXid
{
    public const int WatchEvent = -1;
    public const int Ping = -2;
    public const int Auth = -4;
    public const int SetWatches = -8;
}
