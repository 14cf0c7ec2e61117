namespace Broker.ZooKeeper;

/// <summary>What ZooKeeper knows of a node besides its bytes, in its own words. <c>Zxid</c>s number changes, times are Unix milliseconds.</summary>
public readonly record struct ZooKeeperStat(
    long Czxid, long Mzxid, long CtimeMs, long MtimeMs, int Version, int Cversion, int Aversion, long EphemeralOwner, int DataLength, int NumChildren, long Pzxid)
{
    internal static ZooKeeperStat Read(ref JuteReader reader) => new(
        reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32(),
        reader.ReadInt64(), reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt64());
}
