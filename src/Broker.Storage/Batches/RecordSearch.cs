using Broker.Protocol.Records;

namespace Broker.Storage;

/// <summary>Finds a record inside a batch, which may have to be decompressed for it.</summary>
internal static class RecordSearch
{
    /// <summary>The first record at or above an offset whose timestamp is not below the target. Those in a compressed message of format 1 are looked at one by one, too.</summary>
    public static (long Offset, long TimestampMs)? FirstAtOrAfter(ReadOnlySpan<byte> batch, long timestampMs, long minOffset)
    {
        if (!RecordBatchHeader.TryRead(batch, out _))
        {
            return FirstOfOldFormat(batch, timestampMs, minOffset);
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

    private static (long Offset, long TimestampMs)? FirstOfOldFormat(ReadOnlySpan<byte> message, long timestampMs, long minOffset)
    {
        using LegacyMessageSetReader records = new(message);
        while (records.MoveNext(out LegacyRecord record))
        {
            if (record.Timestamp >= timestampMs && record.Offset >= minOffset)
            {
                return (record.Offset, record.Timestamp);
            }
        }

        return null;
    }
}
