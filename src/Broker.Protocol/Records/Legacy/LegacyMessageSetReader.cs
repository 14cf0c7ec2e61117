using System.Buffers.Binary;

namespace Broker.Protocol.Records;

/// <summary>
/// Reads the records of a message set of magic 0 or 1, those inside compressed messages included, and checks every checksum. A message cut short at the end
/// is left out, as everywhere in these formats. A record's spans live until the next <see cref="MoveNext"/>. Dispose it once, in the scope that made it.
/// </summary>
public ref struct LegacyMessageSetReader
{
    private readonly int _maxDecompressedBytes;
    private RecordBatchScanner _messages;

    // The compressed message being read, if any.
    private BoundedBuffer? _decompressed;
    private RecordBatchScanner _inner;
    private byte _magic;
    private long _firstInnerOffset;
    private TimestampType _timestampType;
    private long _appendTime;

    public LegacyMessageSetReader(ReadOnlySpan<byte> messageSet, int maxDecompressedBytes = RecordCompression.DefaultMaxBytes)
    {
        _messages = new RecordBatchScanner(messageSet, verifyCrc: false);
        _maxDecompressedBytes = maxDecompressedBytes;
    }

    /// <summary>Bytes of the whole messages read so far.</summary>
    public readonly int ValidBytes => _messages.ValidBytes;

    /// <summary>Reads the next record; false after the last whole message.</summary>
    /// <exception cref="InvalidRecordsException">A message is broken, or compressed within a compressed one, or expands to more than allowed.</exception>
    public bool MoveNext(out LegacyRecord record)
    {
        if (_decompressed is not null)
        {
            if (MoveNextInner(out record))
            {
                return true;
            }

            Dispose();
        }

        if (!_messages.MoveNext())
        {
            ThrowUnlessEnd(_messages.Defect, isInner: false);
            record = default;
            return false;
        }

        LegacyMessage message = ReadMessage(_messages);
        if (message.Codec == CompressionCodec.None)
        {
            record = ToRecord(message, message.Offset, message.TimestampType, message.Timestamp);
            return true;
        }

        Enter(message);
        return MoveNextInner(out record);
    }

    public void Dispose()
    {
        _decompressed?.Dispose();
        _decompressed = null;
    }

    private void Enter(scoped in LegacyMessage wrapper)
    {
        if (!wrapper.HasValue)
        {
            throw new InvalidRecordsException($"The compressed message with offset {wrapper.Offset} has no value");
        }

        _decompressed = RecordCompression.Decompress(wrapper.Codec, wrapper.Value, _maxDecompressedBytes, legacyLz4Checksum: wrapper.Magic == 0);
        _inner = new RecordBatchScanner(_decompressed.Span, verifyCrc: false);
        _magic = wrapper.Magic;
        _timestampType = wrapper.TimestampType;
        _appendTime = wrapper.Timestamp;
        long lastInnerOffset = FindLastOffset(_decompressed.Span, wrapper.Offset);

        // Magic 1 counts inner offsets from 0 and gives the wrapper that of the last. Some clients leave the wrapper at 0, which must not become negative offsets.
        _firstInnerOffset = wrapper.Magic == 0 ? 0 : Math.Max(wrapper.Offset - lastInnerOffset, 0);
    }

    private static long FindLastOffset(ReadOnlySpan<byte> innerSet, long wrapperOffset)
    {
        var scanner = new RecordBatchScanner(innerSet, verifyCrc: false);
        long last = -1;
        while (scanner.MoveNext())
        {
            last = BinaryPrimitives.ReadInt64BigEndian(scanner.Current);
        }

        ThrowUnlessEnd(scanner.Defect, isInner: true);
        return scanner.ValidBytes > 0 ? last : throw new InvalidRecordsException($"The compressed message with offset {wrapperOffset} holds no messages");
    }

    private bool MoveNextInner(out LegacyRecord record)
    {
        if (!_inner.MoveNext())
        {
            record = default;
            return false;
        }

        LegacyMessage message = ReadMessage(_inner);
        if (message.Codec != CompressionCodec.None || message.Magic != _magic)
        {
            throw new InvalidRecordsException($"A compressed message of magic {_magic} holds one of magic {message.Magic} with codec {message.Codec}");
        }

        bool isAppendTime = _timestampType == TimestampType.LogAppendTime;
        record = ToRecord(message, _firstInnerOffset + message.Offset, _timestampType, isAppendTime ? _appendTime : message.Timestamp);
        return true;
    }

    private static LegacyMessage ReadMessage(RecordBatchScanner scanner) => scanner.Magic < 2
        ? LegacyMessage.Read(scanner.Current)
        : throw new InvalidRecordsException("A message set of magic 0 or 1 holds a batch of magic 2");

    private static LegacyRecord ToRecord(LegacyMessage message, long offset, TimestampType timestampType, long timestamp) => new()
    {
        Offset = offset,
        Magic = message.Magic,
        Timestamp = timestamp,
        TimestampType = timestampType,
        HasKey = message.HasKey,
        Key = message.Key,
        HasValue = message.HasValue,
        Value = message.Value,
    };

    private static void ThrowUnlessEnd(BatchDefect defect, bool isInner)
    {
        if (defect == BatchDefect.None || (defect == BatchDefect.Incomplete && !isInner))
        {
            return;
        }

        throw new InvalidRecordsException($"A {(isInner ? "compressed " : "")}message set is broken ({defect})");
    }
}
