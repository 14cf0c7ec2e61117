using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Storage;

/// <summary>Records that may be appended (possibly converted or recompressed), or why not. Dispose it after the append: converted records lie in pooled memory.</summary>
internal readonly record struct ValidatedRecords(
    ErrorCode Error, string? ErrorMessage, IReadOnlyList<RecordError>? RecordErrors, Memory<byte> Bytes, long LogAppendTimeMs, ProduceResult Produced) : IDisposable
{
    public static ValidatedRecords Refused(ErrorCode error, string? message, IReadOnlyList<RecordError>? records = null) => new(error, message, records, default, -1, default);

    public void Dispose() => Produced.Dispose();
}

/// <summary>What a leader checks before it takes records, as far as no offset is needed for it.</summary>
internal static class AppendValidation
{
    public static ValidatedRecords Validate(Memory<byte> records, AppendOrigin origin, TopicConfig config, long nowMs, TopicPartition where)
    {
        ValidatedRecords valid = origin == AppendOrigin.Replication ? CheckCopies(records, where) : CheckNew(records, origin, config, nowMs, where);
        if (valid.Error == ErrorCode.None && valid.Bytes.Length > config.SegmentBytes)
        {
            int bytes = valid.Bytes.Length;
            valid.Dispose();
            return ValidatedRecords.Refused(
                ErrorCode.RecordListTooLarge, $"Message batch size is {bytes} bytes in append to partition {where}, which exceeds the maximum configured segment size of {config.SegmentBytes}.");
        }

        return valid;
    }

    private static ValidatedRecords CheckNew(Memory<byte> records, AppendOrigin origin, TopicConfig config, long nowMs, TopicPartition where)
    {
        if (records.Length > config.MaxMessageBytes && RecordBatchHeader.TryRead(records.Span, out RecordBatchHeader header) && header.SizeInBytes > config.MaxMessageBytes)
        {
            return ValidatedRecords.Refused(
                ErrorCode.MessageTooLarge,
                $"The record batch size in the append to {where} is {header.SizeInBytes} bytes which exceeds the maximum configured value of {config.MaxMessageBytes}.");
        }

        ProduceResult produced = ProduceValidator.Validate(records, Options(origin, config, nowMs));
        if (produced.Error != ErrorCode.None)
        {
            return ValidatedRecords.Refused(produced.Error, produced.Message, produced.Refused?.Select(r => new RecordError(r.Index, r.Message)).ToArray());
        }

        return new ValidatedRecords(ErrorCode.None, null, null, produced.Records, config.UsesLogAppendTime ? nowMs : -1, produced);
    }

    private static ProduceOptions Options(AppendOrigin origin, TopicConfig config, long nowMs) => new()
    {
        Origin = origin == AppendOrigin.Client ? ProduceOrigin.Client : ProduceOrigin.Coordinator,
        NowMs = nowMs,
        TargetCodec = config.Compression switch
        {
            CompressionPolicy.Uncompressed => CompressionCodec.None,
            CompressionPolicy.Gzip => CompressionCodec.Gzip,
            CompressionPolicy.Snappy => CompressionCodec.Snappy,
            CompressionPolicy.Lz4 => CompressionCodec.Lz4,
            CompressionPolicy.Zstd => CompressionCodec.Zstd,
            _ => null,
        },
        Levels = new CompressionLevels(config.GzipLevel, config.Lz4Level, config.ZstdLevel),
        TimestampType = config.UsesLogAppendTime ? TimestampType.LogAppendTime : TimestampType.CreateTime,
        TimestampBeforeMaxMs = config.MessageTimestampBeforeMaxMs,
        TimestampAfterMaxMs = config.MessageTimestampAfterMaxMs,
        IsCompacted = config.IsCompacted,
        MaxBatchBytes = config.MaxMessageBytes,
    };

    /// <summary>Another leader has checked what the records say; the way here may have damaged their bytes.</summary>
    private static ValidatedRecords CheckCopies(Memory<byte> records, TopicPartition where)
    {
        Span<byte> bytes = records.Span;
        for (int at = 0; at < bytes.Length;)
        {
            if (!RecordBatchHeader.TryRead(bytes[at..], out RecordBatchHeader header) || header.BatchLength < 0 || header.SizeInBytes > bytes.Length - at)
            {
                return ValidatedRecords.Refused(ErrorCode.CorruptMessage, $"No whole batch at byte {at} of {bytes.Length} for {where}");
            }

            Span<byte> batch = bytes.Slice(at, header.SizeInBytes);
            if (!RecordBatchHeader.HasValidCrc(batch))
            {
                return ValidatedRecords.Refused(ErrorCode.CorruptMessage, $"Record is corrupt (stored crc = {header.Crc}) in topic partition {where}.");
            }

            at += batch.Length;
        }

        return new ValidatedRecords(ErrorCode.None, null, null, records, -1, default);
    }
}
