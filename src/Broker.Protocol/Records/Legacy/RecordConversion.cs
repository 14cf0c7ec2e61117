using System.Buffers.Binary;

namespace Broker.Protocol.Records;

/// <summary>Records of one format made into another. Pure; the results are arrays of their own.</summary>
public static class RecordConversion
{
    /// <summary>
    /// Makes batches readable for clients that know magic 0 or 1: control batches are left out, headers dropped, compressed batches stay compressed with their codec,
    /// messages old enough stay as they are. Uncompressed records before <paramref name="firstOffset"/> are left out, since old clients do not expect them.
    /// Bytes at the end that are no whole batch are not looked at. Checksums are checked, because the result gets new ones: damage must not pass for records.
    /// </summary>
    /// <exception cref="InvalidRecordsException">The first batch is broken; with a later one the result ends before it.</exception>
    public static DownConversionResult DownConvert(
        ReadOnlySpan<byte> batches, byte toMagic, long firstOffset, int maxDecompressedBytes = RecordCompression.DefaultMaxBytes)
    {
        using var output = new BoundedBuffer(int.MaxValue);
        var scanner = new RecordBatchScanner(batches, verifyCrc: true);
        long nextOffset = -1;
        while (scanner.MoveNext())
        {
            bool isCurrent = scanner.TryReadHeader(out RecordBatchHeader header);
            if (isCurrent && header.Codec == CompressionCodec.Zstd && !header.IsControl)
            {
                // What came before can be read; the client finds the error when it asks again.
                ErrorCode error = output.Length > 0 ? ErrorCode.None : ErrorCode.UnsupportedCompressionType;
                return new DownConversionResult(error, output.Span.ToArray(), nextOffset);
            }

            if (isCurrent)
            {
                ConvertBatch(scanner.Current, header, toMagic, firstOffset, maxDecompressedBytes, output);
            }
            else
            {
                ConvertMessage(scanner.Current, scanner.Magic, toMagic, maxDecompressedBytes, output);
            }

            nextOffset = (isCurrent ? header.LastOffset : BinaryPrimitives.ReadInt64BigEndian(scanner.Current)) + 1;
        }

        return scanner.Defect is BatchDefect.None or BatchDefect.Incomplete || output.Length > 0
            ? new DownConversionResult(ErrorCode.None, output.Span.ToArray(), nextOffset)
            : throw new InvalidRecordsException($"The records are broken at byte {scanner.ValidBytes} of {batches.Length} ({scanner.Defect})");
    }

    /// <summary>Makes a message set of magic 0 or 1 into one batch of magic 2 that keeps keys, values, timestamps and order, with offsets from <paramref name="baseOffset"/> on.</summary>
    /// <exception cref="InvalidRecordsException">A message is broken.</exception>
    public static byte[] UpConvert(
        ReadOnlySpan<byte> messageSet, long baseOffset, CompressionCodec codec, int maxDecompressedBytes = RecordCompression.DefaultMaxBytes)
    {
        var builder = new RecordBatchBuilder(new RecordBatchOptions { BaseOffset = baseOffset, Codec = codec });
        using var messages = new LegacyMessageSetReader(messageSet, maxDecompressedBytes);
        while (messages.MoveNext(out LegacyRecord record))
        {
            builder.Append(record.Timestamp, record.Key, record.HasKey, record.Value, record.HasValue);
        }

        return builder.Build();
    }

    private static void ConvertBatch(
        ReadOnlySpan<byte> batch, in RecordBatchHeader header, byte toMagic, long firstOffset, int maxDecompressedBytes, BoundedBuffer output)
    {
        if (header.IsControl)
        {
            return;
        }

        using var records = new RecordBatchReader(batch, maxDecompressedBytes);
        var builder = new LegacyMessageSetBuilder(toMagic, header.Codec, header.TimestampType, header.MaxTimestamp);
        while (records.MoveNext(out Record record))
        {
            if (header.Codec != CompressionCodec.None || record.Offset >= firstOffset)
            {
                builder.Append(record.Offset, record.Timestamp, record.Key, record.HasKey, record.Value, record.HasValue);
            }
        }

        builder.Build(output);
    }

    private static void ConvertMessage(ReadOnlySpan<byte> message, byte magic, byte toMagic, int maxDecompressedBytes, BoundedBuffer output)
    {
        if (magic <= toMagic)
        {
            message.CopyTo(output.Reserve(message.Length));
            output.Advance(message.Length);
            return;
        }

        using var records = new LegacyMessageSetReader(message, maxDecompressedBytes);
        var builder = new LegacyMessageSetBuilder(toMagic, LegacyMessage.Read(message).Codec);
        while (records.MoveNext(out LegacyRecord record))
        {
            builder.Append(record.Offset, record.Timestamp, record.Key, record.HasKey, record.Value, record.HasValue);
        }

        builder.Build(output);
    }
}
