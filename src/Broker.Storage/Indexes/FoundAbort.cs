namespace Broker.Storage;

/// <summary>An aborted transaction as the log shows it by its marker.</summary>
/// <param name="ProducerId">Of the marker.</param>
/// <param name="LowestFirstOffset">Where it may have begun at the earliest: behind what its producer wrote before.</param>
/// <param name="FirstOffset">Its first record that is left; -1 without one.</param>
/// <param name="LastOffset">Of the marker.</param>
/// <param name="StableOffset">The first record of a transaction that is open behind the marker, else the offset behind it. A search that ends there misses nothing.</param>
internal readonly record struct FoundAbort(long ProducerId, long LowestFirstOffset, long FirstOffset, long LastOffset, long StableOffset)
{
    public bool HasRecords => FirstOffset >= 0;

    /// <summary>
    /// Whether an entry may stand for it. Compaction removes aborted records, and retention what lay before the log: then the entry may name a first offset that is not
    /// there any more.
    /// </summary>
    public bool Allows(AbortedTransaction entry, bool isExact)
    {
        if (isExact && !HasRecords)
        {
            return false;
        }

        long highest = HasRecords ? FirstOffset : LastOffset - 1;
        long lowest = isExact ? highest : LowestFirstOffset;
        return entry.ProducerId == ProducerId && entry.FirstOffset >= lowest && entry.FirstOffset <= highest && entry.LastStableOffset <= StableOffset;
    }
}
