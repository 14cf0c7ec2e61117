using Broker.Protocol.Records;

namespace Broker.Storage;

/// <summary>Fills the map with the keys of the dirty part of a log, from its start on until the part ends or the map is full; the pass ends there then.</summary>
internal static class OffsetMapBuilder
{
    public static void Build(CleaningPass pass, KeyOffsetMap map)
    {
        LogToClean range = pass.Range;
        CleanedTransactions transactions = new();
        transactions.Add(pass.AbortedTransactions(range.FirstDirtyOffset, range.FirstUncleanableOffset));
        LogSegment[] segments = pass.Segments;
        for (int i = 0; i < segments.Length && segments[i].BaseOffset < range.FirstUncleanableOffset; i++)
        {
            // Segments of the pass always have one behind them: the active one is never cleaned.
            long next = i + 1 < segments.Length ? segments[i + 1].BaseOffset : range.FirstUncleanableOffset;
            if (next > range.FirstDirtyOffset && !Add(pass, segments[i], range.FirstDirtyOffset, map, transactions))
            {
                return;
            }

            if (next > range.FirstDirtyOffset)
            {
                // Offsets at the end of the segment that no batch has are done, too.
                map.AdvanceTo(next - 1);
            }
        }
    }

    private static bool Add(CleaningPass pass, LogSegment segment, long firstDirty, KeyOffsetMap map, CleanedTransactions transactions)
    {
        using SegmentBatchReader reader = pass.Read(segment, firstDirty <= segment.BaseOffset ? 0 : segment.EndPositionOf(firstDirty));
        while (reader.MoveNext())
        {
            BatchInfo batch = reader.Current;
            pass.Stats.BytesIndexed += batch.Size;
            bool isIgnored = batch.IsControl ? IsMarker(transactions, batch, reader.CurrentBytes) : transactions.IsAborted(batch);
            if (batch.LastOffset < firstDirty)
            {
                continue;
            }

            if (!isIgnored && !AddRecords(batch, reader.CurrentBytes, firstDirty, map))
            {
                return false;
            }

            map.AdvanceTo(batch.LastOffset);
        }

        return true;
    }

    private static bool IsMarker(CleanedTransactions transactions, in BatchInfo batch, ReadOnlySpan<byte> bytes)
    {
        _ = RecordBatchHeader.TryRead(bytes, out RecordBatchHeader header);
        transactions.IsMarkerOfNothing(batch, ControlRecord.OfBatch(header, bytes));
        return true;
    }

    private static bool AddRecords(in BatchInfo batch, ReadOnlySpan<byte> bytes, long firstDirty, KeyOffsetMap map)
    {
        try
        {
            if (batch.Magic < 2)
            {
                using LegacyMessageSetReader messages = new(bytes);
                while (messages.MoveNext(out LegacyRecord record))
                {
                    if (record.HasKey && record.Offset >= firstDirty && !map.TryPut(record.Key, record.Offset))
                    {
                        return false;
                    }
                }

                return true;
            }

            using RecordBatchReader records = new(bytes);
            while (records.MoveNext(out Record record))
            {
                if (record.HasKey && record.Offset >= firstDirty && !map.TryPut(record.Key, record.Offset))
                {
                    return false;
                }
            }

            return true;
        }
        catch (InvalidRecordsException e)
        {
            throw new UncleanableLogException($"the batch at offset {batch.BaseOffset} cannot be read: {e.Message}", e);
        }
    }
}
