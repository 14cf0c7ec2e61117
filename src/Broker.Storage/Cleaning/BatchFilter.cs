using Broker.Protocol.Records;

namespace Broker.Storage;

/// <summary>
/// Decides batch by batch what stays of a segment and hands it to the writer: whole batches as they are, others rebuilt with their offsets, sequences and codec,
/// empty headers where an offset or a sequence must not be forgotten. Used by one thread.
/// </summary>
internal sealed class BatchFilter(KeyOffsetMap map, CleaningRules rules, CleanedTransactions transactions, CleaningStats stats)
{
    private const int LegacyAttributesPosition = 17;
    private const int LegacyCodecMask = 0x07;

    // Which records of the batch at hand stay.
    private bool[] _kept = new bool[256];

    /// <summary>Tombstones of formats 0 and 1, which have no room for a delete horizon, go by the age of their segment.</summary>
    public bool KeepsLegacyTombstones { get; set; }

    public void Filter(in BatchInfo batch, ReadOnlySpan<byte> bytes, CleanedSegmentWriter output)
    {
        stats.BytesRead += bytes.Length;
        try
        {
            if (batch.Magic < 2)
            {
                FilterLegacy(bytes, output);
            }
            else
            {
                FilterCurrent(batch, bytes, output);
            }
        }
        catch (InvalidRecordsException e)
        {
            throw new UncleanableLogException($"the batch at offset {batch.BaseOffset} cannot be read: {e.Message}", e);
        }
    }

    private void FilterCurrent(in BatchInfo batch, ReadOnlySpan<byte> bytes, CleanedSegmentWriter output)
    {
        _ = RecordBatchHeader.TryRead(bytes, out RecordBatchHeader header);
        bool isDiscarded = batch.IsControl
            ? transactions.IsMarkerOfNothing(batch, ControlRecord.OfBatch(header, bytes))
            : transactions.IsAborted(batch);

        // A marker of nothing waits as long as a tombstone does, for readers that are in the middle of its transaction.
        bool isWaiting = batch.IsControl && isDiscarded && !(header.HasDeleteHorizon && header.DeleteHorizonMs <= rules.NowMs);
        stats.RecordsRead += header.RecordCount;
        if (isDiscarded && !isWaiting)
        {
            KeepHeader(batch, bytes, output);
            return;
        }

        using BoundedBuffer? decompressed = header.RecordCount == 0 || header.Codec == CompressionCodec.None
            ? null
            : RecordCompression.Decompress(header.Codec, bytes[RecordBatchHeader.Size..], RecordCompression.DefaultMaxBytes);
        ReadOnlySpan<byte> records = header.RecordCount == 0 ? default : decompressed is null ? bytes[RecordBatchHeader.Size..] : decompressed.Span;
        int kept = Survey(header, batch, records, out bool hasTombstones);
        if (kept == 0)
        {
            KeepHeader(batch, bytes, output);
            return;
        }

        stats.RecordsWritten += kept;
        bool needsHorizon = !header.HasDeleteHorizon && (hasTombstones || isWaiting);
        if (kept == header.RecordCount && !needsHorizon)
        {
            output.Append(bytes, hasRecords: true);
            return;
        }

        long horizonMs = needsHorizon ? Math.Max(0, SaturatingAdd(rules.NowMs, rules.DeleteRetentionMs)) : header.DeleteHorizonMs;
        output.Append(Rebuild(header, records, horizonMs), hasRecords: true);
    }

    /// <summary>Marks the records that stay and counts them.</summary>
    private int Survey(in RecordBatchHeader header, in BatchInfo batch, ReadOnlySpan<byte> records, out bool hasTombstones)
    {
        bool keepsTombstones = !header.HasDeleteHorizon || rules.NowMs < header.DeleteHorizonMs;
        hasTombstones = false;
        int kept = 0;
        int index = 0;
        RecordCursor cursor = new(header, records);
        while (cursor.MoveNext(out Record record))
        {
            bool isKept = batch.IsControl || IsKept(record.Offset, record.HasKey, record.Key, record.HasValue, keepsTombstones);
            hasTombstones |= isKept && !record.HasValue;
            kept += isKept ? 1 : 0;
            Mark(index++, isKept);
        }

        return kept;
    }

    private bool IsKept(long offset, bool hasKey, ReadOnlySpan<byte> key, bool hasValue, bool keepsTombstones)
    {
        if (offset > map.LatestOffset)
        {
            return true;
        }

        if (!hasKey)
        {
            stats.RecordsWithoutKey++;
            return false;
        }

        return offset >= map.Get(key) && (hasValue || keepsTombstones);
    }

    private byte[] Rebuild(in RecordBatchHeader header, ReadOnlySpan<byte> records, long horizonMs)
    {
        RecordBatchBuilder builder = new(new RecordBatchOptions
        {
            BaseOffset = header.BaseOffset,
            PartitionLeaderEpoch = header.PartitionLeaderEpoch,
            Codec = header.Codec,
            TimestampType = header.TimestampType,
            LogAppendTimeMs = header.MaxTimestamp,
            ProducerId = header.ProducerId,
            ProducerEpoch = header.ProducerEpoch,
            BaseSequence = header.BaseSequence,
            IsTransactional = header.IsTransactional,
            IsControl = header.IsControl,
            DeleteHorizonMs = horizonMs,
            LastOffsetDelta = header.LastOffsetDelta,
        });
        RecordCursor cursor = new(header, records);
        for (int i = 0; cursor.MoveNext(out Record record); i++)
        {
            if (_kept[i])
            {
                builder.AppendAt(cursor.OffsetDelta, record);
            }
        }

        return builder.Build();
    }

    private void KeepHeader(in BatchInfo batch, ReadOnlySpan<byte> bytes, CleanedSegmentWriter output)
    {
        if (rules.KeepsEmpty(batch))
        {
            Span<byte> header = stackalloc byte[RecordBatchHeader.Size];
            RecordBatchPatch.WriteEmpty(bytes, header);
            output.Append(header, hasRecords: false);
        }
    }

    /// <summary>A message, or a compressed one that holds others.</summary>
    private void FilterLegacy(ReadOnlySpan<byte> bytes, CleanedSegmentWriter output)
    {
        byte magic = 0;
        TimestampType timestampType = TimestampType.CreateTime;
        long firstTimestampMs = -1;
        int count = 0;
        int kept = 0;
        using (LegacyMessageSetReader records = new(bytes))
        {
            for (; records.MoveNext(out LegacyRecord record); count++)
            {
                (magic, timestampType, firstTimestampMs) = (record.Magic, record.TimestampType, count == 0 ? record.Timestamp : firstTimestampMs);
                bool isKept = IsKept(record.Offset, record.HasKey, record.Key, record.HasValue, KeepsLegacyTombstones);
                kept += isKept ? 1 : 0;
                Mark(count, isKept);
            }
        }

        stats.RecordsRead += count;
        stats.RecordsWritten += kept;
        if (kept == count)
        {
            output.Append(bytes, hasRecords: true);
        }
        else if (kept > 0)
        {
            // Only a compressed message loses a part of its records.
            CompressionCodec codec = (CompressionCodec)(bytes[LegacyAttributesPosition] & LegacyCodecMask);
            LegacyMessageSetBuilder builder = new(magic, codec, timestampType, firstTimestampMs);
            using LegacyMessageSetReader records = new(bytes);
            for (int i = 0; records.MoveNext(out LegacyRecord record); i++)
            {
                if (_kept[i])
                {
                    builder.Append(record.Offset, record.Timestamp, record.Key, record.HasKey, record.Value, record.HasValue);
                }
            }

            output.Append(builder.Build(), hasRecords: true);
        }
    }

    private void Mark(int index, bool isKept)
    {
        if (index == _kept.Length)
        {
            Array.Resize(ref _kept, index * 2);
        }

        _kept[index] = isKept;
    }

    private static long SaturatingAdd(long timeMs, long durationMs) => durationMs > long.MaxValue - timeMs ? long.MaxValue : timeMs + durationMs;
}
