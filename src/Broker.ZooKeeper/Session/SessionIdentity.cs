namespace Broker.ZooKeeper;

/// <summary>What a client shows to go on with its session at another server; id 0 asks for a new one.</summary>
internal readonly record struct SessionIdentity(long Id, byte[] Password)
{
    public static SessionIdentity New { get; } = new(0, new byte[16]);
}
