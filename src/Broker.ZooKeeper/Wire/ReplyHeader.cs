namespace Broker.ZooKeeper;

/// <summary>In front of every frame of a server, once the session stands.</summary>
internal readonly record struct ReplyHeader(int Xid, long Zxid, ZooKeeperError Error)
{
    public static ReplyHeader Read(ref JuteReader reader) => new(reader.ReadInt32(), reader.ReadInt64(), (ZooKeeperError)reader.ReadInt32());
}
