namespace Broker.Storage;

/// <summary>What one pass did. Used by one thread.</summary>
internal sealed class CleaningStats
{
    public long BytesRead { get; set; }

    public long BytesWritten { get; set; }

    public long RecordsRead { get; set; }

    public long RecordsWritten { get; set; }

    /// <summary>Records without a key, which have no place in a compacted log.</summary>
    public long RecordsWithoutKey { get; set; }

    /// <summary>Bytes read to fill the map.</summary>
    public long BytesIndexed { get; set; }

    public double MapUse { get; set; }
}
