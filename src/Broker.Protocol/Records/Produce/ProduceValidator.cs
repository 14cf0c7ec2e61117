namespace Broker.Protocol.Records;

/// <summary>What a leader does to records before it appends them. Pure: no clock, no I/O, no state.</summary>
public static class ProduceValidator
{
    /// <summary>
    /// Checks records that were handed over for append and makes them one batch of magic 2 that can be written as it is. The memory is patched in place where possible.
    /// </summary>
    public static ProduceResult Validate(Memory<byte> records, in ProduceOptions options) => throw new NotImplementedException();
}
