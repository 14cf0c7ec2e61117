using Broker.Protocol.Records;

namespace Broker.Storage;

/// <summary>Finds a record inside a batch, which may have to be decompressed for it.</summary>
internal static class RecordSearch
{
    /// <summary>The first record at or above an offset whose timestamp is not below the target. Format 1 is answered by the batch as a whole.</summary>
    public static (long Offset, long TimestampMs)? FirstAtOrAfter(ReadOnlySpan<byte> batch, long timestampMs, long minOffset)
    {
        if (!RecordBatchHeader.TryRead(batch, out _))
        {
            return BatchInfo.TryParse(batch, out BatchInfo legacy) && legacy.MaxTimestamp >= timestampMs && legacy.LastOffset >= minOffset
                ? (legacy.LastOffset, legacy.MaxTimestamp)
                : null;
        }

        using RecordBatchReader records = new(batch);
        while (records.MoveNext(out Record record))
        {
            if (record.Timestamp >= timestampMs && record.Offset >= minOffset)
            {
                return (record.Offset, record.Timestamp);
            }
        }

        return null;
    }
}
