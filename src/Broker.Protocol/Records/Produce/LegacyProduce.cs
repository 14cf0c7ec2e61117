namespace Broker.Protocol.Records;

/// <summary>Appends of magic 0 and 1, as old producers make them: any number of messages, or one compressed message. They become one batch of magic 2.</summary>
internal static class LegacyProduce
{
    public static ProduceResult Validate(ReadOnlySpan<byte> messageSet, in ProduceOptions options)
    {
        if (CheckMessages(messageSet, options, out CompressionCodec sourceCodec) is { } refusal)
        {
            return refusal;
        }

        CompressionCodec codec = options.TargetCodec ?? sourceCodec;
        var builder = new RecordBatchBuilder(new RecordBatchOptions
        {
            BaseOffset = options.FirstOffset,
            PartitionLeaderEpoch = options.PartitionLeaderEpoch,
            Codec = codec,
            Level = options.Levels.For(codec),
            TimestampType = options.TimestampType,
            LogAppendTimeMs = options.NowMs,
        });
        var rules = new RecordRules(options);
        var summary = new RecordSummary(options.FirstOffset, sourceCodec);
        using var messages = new LegacyMessageSetReader(messageSet, options.MaxDecompressedBytes);
        while (messages.MoveNext(out LegacyRecord record))
        {
            rules.Check(summary.Count, record.HasKey, record.Timestamp, record.TimestampType);
            summary.Add(record.Timestamp);
            if (!rules.AnyRefused)
            {
                builder.Append(record.Timestamp, record.Key, record.HasKey, record.Value, record.HasValue);
            }
        }

        return rules.AnyRefused ? rules.ToResult() : ProduceValidator.Converted(builder, options, ref summary);
    }

    /// <summary>Checks what concerns the messages as a whole, before anything is decompressed.</summary>
    private static ProduceResult? CheckMessages(ReadOnlySpan<byte> messageSet, in ProduceOptions options, out CompressionCodec codec)
    {
        codec = CompressionCodec.None;
        var messages = new RecordBatchScanner(messageSet, verifyCrc: false);
        byte magic = messageSet[RecordBatchHeader.MagicPosition];
        int count = 0;
        while (messages.MoveNext())
        {
            if (messages.Magic != magic)
            {
                return ProduceResult.Failed(ErrorCode.InvalidRecord, $"A message of magic {messages.Magic} follows one of magic {magic}");
            }

            if (messages.Current.Length > options.MaxBatchBytes)
            {
                return ProduceValidator.TooLarge(messages.Current.Length, options);
            }

            LegacyMessage message = LegacyMessage.Read(messages.Current);
            codec = message.Codec == CompressionCodec.None ? codec : message.Codec;
            count++;
        }

        if (messages.Defect is not (BatchDefect.None or BatchDefect.Incomplete))
        {
            return ProduceResult.Failed(ErrorCode.CorruptMessage, $"The message set is broken at byte {messages.ValidBytes} of {messageSet.Length} ({messages.Defect})");
        }

        return codec != CompressionCodec.None && count > 1
            ? ProduceResult.Failed(ErrorCode.InvalidRecord, $"A compressed message must be the only one of its set, and there are {count}")
            : null;
    }
}
