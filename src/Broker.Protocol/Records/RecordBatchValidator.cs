namespace Broker.Protocol.Records;

/// <summary>Checks the outside of a batch of magic 2: everything that can be known without reading its records.</summary>
public static class RecordBatchValidator
{
    /// <summary>
    /// Checks the batch at the start of <paramref name="bytes"/>: length, magic, checksum, and that the counts agree. A batch that compaction thinned out
    /// has fewer records than offsets, which is sound here; that a producer's batch has exactly as many is checked by <see cref="ProduceValidator"/>.
    /// </summary>
    public static BatchDefect Check(ReadOnlySpan<byte> bytes, out RecordBatchHeader header)
    {
        header = default;
        BatchDefect defect = RecordBatchScanner.Measure(bytes, out int size);
        if (defect != BatchDefect.None)
        {
            return defect;
        }

        if (!RecordBatchHeader.TryRead(bytes, out header))
        {
            return BatchDefect.UnknownMagic;
        }

        if (!RecordBatchHeader.HasValidCrc(bytes[..size]))
        {
            return BatchDefect.BadChecksum;
        }

        bool agree = header.LastOffsetDelta >= 0 && header.RecordCount >= 0 && header.RecordCount <= header.LastOffsetDelta + 1L
            && header.BaseOffset >= 0 && header.BaseOffset <= long.MaxValue - header.LastOffsetDelta;
        return agree ? BatchDefect.None : BatchDefect.BadCounts;
    }
}
