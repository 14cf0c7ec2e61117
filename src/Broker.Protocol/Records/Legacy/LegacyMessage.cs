using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;

namespace Broker.Protocol.Records;

/// <summary>
/// One message of magic 0 or 1 as it lies in a message set: offset and length, CRC-32, magic, attributes, in magic 1 the timestamp, key, value.
/// A compressed message's value is itself a message set.
/// </summary>
internal readonly ref struct LegacyMessage
{
    /// <summary>CRC, magic, attributes, key length and value length.</summary>
    public const int HeaderBytesV0 = 14;

    /// <summary>The same with a timestamp.</summary>
    public const int HeaderBytesV1 = 22;

    private const int CrcPosition = 12, MagicPosition = 16, AttributesPosition = 17, TimestampPosition = 18;
    private const int LogAppendTimeFlag = 0x08;

    public long Offset { get; private init; }

    public byte Magic { get; private init; }

    /// <summary>Magic 0 and 1 know gzip, snappy and LZ4.</summary>
    public CompressionCodec Codec { get; private init; }

    public TimestampType TimestampType { get; private init; }

    /// <summary>Ms since 1970; -1 in magic 0.</summary>
    public long Timestamp { get; private init; }

    public bool HasKey { get; private init; }

    public ReadOnlySpan<byte> Key { get; private init; }

    public bool HasValue { get; private init; }

    public ReadOnlySpan<byte> Value { get; private init; }

    /// <summary>Reads the message that <paramref name="message"/> is, which has been measured by <see cref="RecordBatchScanner"/>.</summary>
    /// <exception cref="InvalidRecordsException">The checksum or a length does not fit.</exception>
    public static LegacyMessage Read(ReadOnlySpan<byte> message)
    {
        long offset = BinaryPrimitives.ReadInt64BigEndian(message);
        if (!RecordBatchScanner.HasValidCrc(message))
        {
            throw new InvalidRecordsException($"The checksum of the message with offset {offset} does not match its bytes") { IsChecksumMismatch = true };
        }

        byte magic = message[MagicPosition];
        byte attributes = message[AttributesPosition];
        var codec = (CompressionCodec)(attributes & RecordBatchHeader.CodecMask);
        if (codec > CompressionCodec.Lz4)
        {
            throw new InvalidRecordsException($"The message with offset {offset} has codec {(int)codec}, which magic {magic} does not know");
        }

        ReadOnlySpan<byte> rest = message[(magic == 0 ? TimestampPosition : TimestampPosition + sizeof(long))..];
        ReadOnlySpan<byte> key = TakeField(ref rest, offset, out bool hasKey);
        ReadOnlySpan<byte> value = TakeField(ref rest, offset, out bool hasValue);
        if (!rest.IsEmpty)
        {
            throw new InvalidRecordsException($"The message with offset {offset} has {rest.Length} bytes after its value");
        }

        return new LegacyMessage
        {
            Offset = offset,
            Magic = magic,
            Codec = codec,
            TimestampType = magic > 0 && (attributes & LogAppendTimeFlag) != 0 ? TimestampType.LogAppendTime : TimestampType.CreateTime,
            Timestamp = magic > 0 ? BinaryPrimitives.ReadInt64BigEndian(message[TimestampPosition..]) : -1,
            HasKey = hasKey,
            Key = key,
            HasValue = hasValue,
            Value = value,
        };
    }

    public static void Write(
        IBufferWriter<byte> output, long offset, byte magic, CompressionCodec codec, TimestampType timestampType, long timestamp,
        ReadOnlySpan<byte> key, bool hasKey, ReadOnlySpan<byte> value, bool hasValue)
    {
        int length = (magic == 0 ? HeaderBytesV0 : HeaderBytesV1) + key.Length + value.Length;
        Span<byte> message = output.GetSpan(RecordBatchScanner.PrefixBytes + length)[..(RecordBatchScanner.PrefixBytes + length)];
        BinaryPrimitives.WriteInt64BigEndian(message, offset);
        BinaryPrimitives.WriteInt32BigEndian(message[sizeof(long)..], length);
        message[MagicPosition] = magic;
        message[AttributesPosition] = (byte)((int)codec | (magic > 0 && timestampType == TimestampType.LogAppendTime ? LogAppendTimeFlag : 0));
        Span<byte> rest = message[TimestampPosition..];
        if (magic > 0)
        {
            BinaryPrimitives.WriteInt64BigEndian(rest, timestamp);
            rest = rest[sizeof(long)..];
        }

        WriteField(ref rest, key, hasKey);
        WriteField(ref rest, value, hasValue);
        BinaryPrimitives.WriteUInt32BigEndian(message[CrcPosition..], Crc32.HashToUInt32(message[MagicPosition..]));
        output.Advance(message.Length);
    }

    private static ReadOnlySpan<byte> TakeField(scoped ref ReadOnlySpan<byte> rest, long offset, out bool isPresent)
    {
        int length = rest.Length < sizeof(int) ? int.MinValue : BinaryPrimitives.ReadInt32BigEndian(rest);
        if (length < -1 || length > rest.Length - sizeof(int))
        {
            throw new InvalidRecordsException($"The message with offset {offset} has a key or value whose length does not fit its {rest.Length} bytes");
        }

        isPresent = length >= 0;
        ReadOnlySpan<byte> field = rest.Slice(sizeof(int), Math.Max(length, 0));
        rest = rest[(sizeof(int) + field.Length)..];
        return field;
    }

    private static void WriteField(ref Span<byte> rest, ReadOnlySpan<byte> bytes, bool isPresent)
    {
        BinaryPrimitives.WriteInt32BigEndian(rest, isPresent ? bytes.Length : -1);
        bytes.CopyTo(rest[sizeof(int)..]);
        rest = rest[(sizeof(int) + bytes.Length)..];
    }
}
