namespace Broker.Coordination;

/// <summary>A record of a coordinator's topic, in the coordinator's words; knows its bytes.</summary>
internal abstract record CoordinatorRecord
{
    /// <summary>Roughly the bytes of key and value, for deciding what shares a batch.</summary>
    public abstract long EstimatedBytes { get; }

    public abstract byte[] EncodeKey();

    /// <summary>Null for a tombstone.</summary>
    public abstract byte[]? EncodeValue();
}
