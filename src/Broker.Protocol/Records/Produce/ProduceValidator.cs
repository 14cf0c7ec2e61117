namespace Broker.Protocol.Records;

/// <summary>
/// What a leader does to records before it appends them: checks them, makes them one batch of magic 2 in the topic's codec, and sets offsets, leader epoch and
/// timestamps. Pure: no clock, no I/O, no state. Uncompressed batches of magic 2 are checked and patched where they lie, without allocation.
/// </summary>
public static class ProduceValidator
{
    /// <summary>
    /// Checks records that were handed over for append and makes them one batch of magic 2 that can be written as it is. The memory is patched in place where
    /// possible, and only when nothing is wrong; where it is not possible the result holds new memory. A batch or message cut short at the end is left out.
    /// </summary>
    public static ProduceResult Validate(Memory<byte> records, in ProduceOptions options)
    {
        if (records.IsEmpty)
        {
            return ProduceResult.Nothing;
        }

        BatchDefect defect = RecordBatchScanner.Measure(records.Span, out int size);
        if (defect != BatchDefect.None)
        {
            return ProduceResult.Failed(ErrorCode.CorruptMessage, $"The {records.Length} bytes of records do not start with a whole batch ({defect})");
        }

        try
        {
            return records.Span[RecordBatchHeader.MagicPosition] == 2
                ? BatchProduce.Validate(records, size, options)
                : LegacyProduce.Validate(records.Span, options);
        }
        catch (InvalidRecordsException e)
        {
            return ProduceResult.Failed(e.IsChecksumMismatch ? ErrorCode.CorruptMessage : ErrorCode.InvalidRecord, e.Message);
        }
    }

    internal static ProduceResult TooLarge(int bytes, in ProduceOptions options) => ProduceResult.Failed(
        ErrorCode.MessageTooLarge, $"The batch takes {bytes} bytes; {options.MaxBatchBytes} are allowed (max.message.bytes)");

    /// <summary>Hands over a converted batch unless it has grown too large.</summary>
    internal static ProduceResult Converted(RecordBatchBuilder builder, in ProduceOptions options, ref RecordSummary summary)
    {
        BoundedBuffer batch = builder.BuildPooled();
        if (batch.Length > options.MaxBatchBytes)
        {
            int bytes = batch.Length;
            batch.Dispose();
            return TooLarge(bytes, options);
        }

        if (options.TimestampType == TimestampType.LogAppendTime)
        {
            summary.UseAppendTime(options.NowMs);
        }

        return new ProduceResult(batch.WrittenMemory, batch, summary);
    }
}
