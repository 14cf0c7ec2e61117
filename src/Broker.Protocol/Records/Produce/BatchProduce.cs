namespace Broker.Protocol.Records;

/// <summary>Appends of magic 2: exactly one batch.</summary>
internal static class BatchProduce
{
    public static ProduceResult Validate(Memory<byte> records, int size, in ProduceOptions options)
    {
        if (size < records.Length && RecordBatchScanner.Measure(records.Span[size..], out _) == BatchDefect.None)
        {
            return ProduceResult.Failed(ErrorCode.InvalidRecord, "The records have more than one batch; of magic 2 there must be exactly one");
        }

        Memory<byte> batch = records[..size];
        _ = RecordBatchHeader.TryRead(batch.Span, out RecordBatchHeader header);
        if (size > options.MaxBatchBytes)
        {
            return ProduceValidator.TooLarge(size, options);
        }

        if (!RecordBatchHeader.HasValidCrc(batch.Span))
        {
            return ProduceResult.Failed(ErrorCode.CorruptMessage, $"The record batch is corrupt: its checksum 0x{header.Crc:x8} does not match its bytes");
        }

        if (header.Codec > CompressionCodec.Zstd)
        {
            return ProduceResult.Failed(ErrorCode.UnsupportedCompressionType, $"The record batch has codec {(int)header.Codec}, which is unknown");
        }

        return CheckHeader(header, options) is { } problem
            ? ProduceResult.Failed(ErrorCode.InvalidRecord, problem)
            : ValidateRecords(batch, header, options);
    }

    private static string? CheckHeader(in RecordBatchHeader header, in ProduceOptions options)
    {
        if (header.LastOffsetDelta < 0 || header.RecordCount <= 0 || header.RecordCount != header.LastOffsetDelta + 1L)
        {
            return $"The record batch has {header.RecordCount} records but a last offset delta of {header.LastOffsetDelta}";
        }

        if (options.Origin != ProduceOrigin.Client)
        {
            return null;
        }

        if (header.BaseOffset != 0)
        {
            return $"The base offset of a record batch to append must be 0, and it is {header.BaseOffset}";
        }

        if (header.IsControl)
        {
            return "Clients are not allowed to write control records";
        }

        return header.HasProducerId && header.BaseSequence < 0
            ? $"The record batch has producer id {header.ProducerId} but base sequence {header.BaseSequence}"
            : null;
    }

    private static ProduceResult ValidateRecords(Memory<byte> batch, in RecordBatchHeader header, in ProduceOptions options)
    {
        ReadOnlySpan<byte> section = batch.Span[RecordBatchHeader.Size..];
        using BoundedBuffer? decompressed = header.Codec == CompressionCodec.None
            ? null
            : RecordCompression.Decompress(header.Codec, section, options.MaxDecompressedBytes);
        ReadOnlySpan<byte> plain = decompressed is null ? section : decompressed.Span;
        var rules = new RecordRules(options);
        var summary = new RecordSummary(options.FirstOffset, header.Codec);
        bool hasOwnOffsets = Walk(header, plain, ref rules, ref summary);
        if (rules.AnyRefused)
        {
            return rules.ToResult();
        }

        // Control records stay uncompressed when they come uncompressed: their readers do not decompress.
        bool keepsCodec = options.TargetCodec is not { } target || target == header.Codec || (header.IsControl && header.Codec == CompressionCodec.None);
        if (keepsCodec && hasOwnOffsets)
        {
            Patch(batch.Span, header, options, ref summary);
            return new ProduceResult(batch, owned: null, summary);
        }

        return Rebuild(header, plain, keepsCodec ? header.Codec : options.TargetCodec!.Value, options, ref summary);
    }

    /// <summary>Reads every record. False when the offset deltas do not count from 0: such batches of odd clients are written anew, not refused.</summary>
    private static bool Walk(in RecordBatchHeader header, ReadOnlySpan<byte> plain, ref RecordRules rules, ref RecordSummary summary)
    {
        var records = new RecordCursor(header, plain, ownTimestamps: true);
        TimestampType timestampType = header.TimestampType;
        bool areConsecutive = true;
        while (records.MoveNext(out Record record))
        {
            areConsecutive &= records.OffsetDelta == summary.Count;
            rules.Check(summary.Count, record.HasKey, record.Timestamp, timestampType);
            summary.Add(record.Timestamp);
        }

        return areConsecutive;
    }

    private static void Patch(Span<byte> batch, in RecordBatchHeader header, in ProduceOptions options, ref RecordSummary summary)
    {
        RecordBatchPatch.SetBaseOffset(batch, options.FirstOffset);
        RecordBatchPatch.SetPartitionLeaderEpoch(batch, options.PartitionLeaderEpoch);
        if (options.TimestampType == TimestampType.LogAppendTime)
        {
            summary.UseAppendTime(options.NowMs);
        }

        // The checksum is only paid for when the header's claims were wrong or the time is the broker's.
        if (header.TimestampType != options.TimestampType || header.MaxTimestamp != summary.MaxTimestamp)
        {
            RecordBatchPatch.SetTimestamps(batch, options.TimestampType, summary.MaxTimestamp);
        }
    }

    private static ProduceResult Rebuild(
        in RecordBatchHeader header, ReadOnlySpan<byte> plain, CompressionCodec codec, in ProduceOptions options, ref RecordSummary summary)
    {
        var builder = new RecordBatchBuilder(new RecordBatchOptions
        {
            BaseOffset = options.FirstOffset,
            PartitionLeaderEpoch = options.PartitionLeaderEpoch,
            Codec = codec,
            Level = options.Levels.For(codec),
            TimestampType = options.TimestampType,
            LogAppendTimeMs = options.NowMs,
            ProducerId = header.ProducerId,
            ProducerEpoch = header.ProducerEpoch,
            BaseSequence = header.BaseSequence,
            IsTransactional = header.IsTransactional,
            IsControl = header.IsControl,
        });
        var records = new RecordCursor(header, plain, ownTimestamps: true);
        while (records.MoveNext(out Record record))
        {
            builder.Append(record);
        }

        return ProduceValidator.Converted(builder, options, ref summary);
    }
}
