using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Storage;

/// <summary>Records that may be appended (possibly converted or recompressed), or why not.</summary>
internal readonly record struct ValidatedRecords(
    ErrorCode Error, string? ErrorMessage, IReadOnlyList<RecordError>? RecordErrors, Memory<byte> Bytes, long LogAppendTimeMs)
{
    public static ValidatedRecords Refused(ErrorCode error, string message, IReadOnlyList<RecordError>? records = null) => new(error, message, records, default, -1);
}

/// <summary>What a leader checks before it takes records, as far as no offset is needed for it.</summary>
internal static class AppendValidation
{
    public static ValidatedRecords Validate(Memory<byte> records, AppendOrigin origin, TopicConfig config, long nowMs, TopicPartition where)
    {
        Span<byte> bytes = records.Span;
        for (int at = 0; at < bytes.Length;)
        {
            if (!RecordBatchHeader.TryRead(bytes[at..], out RecordBatchHeader header) || header.SizeInBytes > bytes.Length - at)
            {
                return ValidatedRecords.Refused(ErrorCode.CorruptMessage, $"No whole batch at byte {at} of {bytes.Length} for {where}");
            }

            Span<byte> batch = bytes.Slice(at, header.SizeInBytes);
            if (batch.Length > config.MaxMessageBytes && origin != AppendOrigin.Replication)
            {
                return ValidatedRecords.Refused(
                    ErrorCode.MessageTooLarge,
                    $"The record batch size in the append to {where} is {batch.Length} bytes which exceeds the maximum configured value of {config.MaxMessageBytes}.");
            }

            if (!RecordBatchHeader.HasValidCrc(batch))
            {
                return ValidatedRecords.Refused(ErrorCode.CorruptMessage, $"Record is corrupt (stored crc = {header.Crc}) in topic partition {where}.");
            }

            if (config.UsesLogAppendTime && origin != AppendOrigin.Replication)
            {
                RecordBatchPatch.SetLogAppendTime(batch, nowMs);
            }

            at += batch.Length;
        }

        if (bytes.Length > config.SegmentBytes)
        {
            return ValidatedRecords.Refused(
                ErrorCode.RecordListTooLarge, $"Message batch size is {bytes.Length} bytes in append to partition {where}, which exceeds the maximum configured segment size of {config.SegmentBytes}.");
        }

        return new ValidatedRecords(ErrorCode.None, null, null, records, config.UsesLogAppendTime ? nowMs : -1);
    }
}
