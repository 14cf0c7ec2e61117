using System.Runtime.CompilerServices;

namespace Broker.Protocol.Records;

/// <summary>
/// Walks the records of one uncompressed record section (magic 2), checking every length as it goes. Allocates nothing.
/// <see cref="RecordBatchReader"/> is the way to a batch that may be compressed.
/// </summary>
public ref struct RecordCursor
{
    private readonly ReadOnlySpan<byte> _records;
    private readonly long _baseOffset;
    private readonly long _baseTimestamp;
    private readonly long _maxTimestamp;
    private readonly int _baseSequence;
    private readonly bool _useMaxTimestamp;
    private readonly int _count;
    private int _position;
    private int _index;

    /// <param name="header">Header of the batch.</param>
    /// <param name="records">Its records, decompressed.</param>
    public RecordCursor(scoped in RecordBatchHeader header, ReadOnlySpan<byte> records)
        : this(header, records, ownTimestamps: false)
    {
    }

    /// <summary>With <paramref name="ownTimestamps"/> a record's timestamp is the one written in it, also under LogAppendTime.</summary>
    internal RecordCursor(scoped in RecordBatchHeader header, ReadOnlySpan<byte> records, bool ownTimestamps)
    {
        _records = records;
        _baseOffset = header.BaseOffset;
        _baseTimestamp = header.BaseTimestamp;
        _maxTimestamp = header.MaxTimestamp;
        _baseSequence = header.BaseSequence;
        _useMaxTimestamp = !ownTimestamps && header.TimestampType == TimestampType.LogAppendTime;
        _count = header.RecordCount;
    }

    /// <summary>Offset delta of the record just read.</summary>
    public int OffsetDelta { get; private set; }

    /// <summary>Bytes of the record section not read yet.</summary>
    public readonly int Remaining => _records.Length - _position;

    /// <summary>Reads the next record; false after the last one the header counts.</summary>
    /// <exception cref="InvalidRecordsException">A length or count does not fit, or bytes are left after the last record.</exception>
    public bool MoveNext(out Record record)
    {
        if (_index >= _count)
        {
            ExpectEnd();
            record = default;
            return false;
        }

        int length = ReadVarint();
        if (length < 0 || length > Remaining)
        {
            throw Invalid($"claims {length} bytes, but {Remaining} are left");
        }

        int end = _position + length;
        Need(1);
        _position++;   // attributes: none are defined
        long timestampDelta = ReadVarlong();
        OffsetDelta = ReadVarint();
        int keyLength = ReadVarint();
        ReadOnlySpan<byte> key = TakeField(keyLength, end);
        int valueLength = ReadVarint();
        ReadOnlySpan<byte> value = TakeField(valueLength, end);
        int headerCount = ReadVarint();
        int headers = _position;
        SkipHeaders(headerCount, end);
        if (_position != end)
        {
            throw Invalid($"was said to end at byte {end} of the record section but ends at {_position}");
        }

        _index++;
        record = new Record
        {
            Offset = _baseOffset + OffsetDelta,
            Timestamp = _useMaxTimestamp ? _maxTimestamp : _baseTimestamp + timestampDelta,
            Sequence = _baseSequence < 0 ? -1 : (int)(((long)_baseSequence + OffsetDelta) & int.MaxValue),
            HasKey = keyLength >= 0,
            Key = key,
            HasValue = valueLength >= 0,
            Value = value,
            HeaderCount = headerCount,
            Headers = _records[headers..end],
        };
        return true;
    }

    private readonly void ExpectEnd()
    {
        if (_count < 0)
        {
            throw new InvalidRecordsException($"The batch with base offset {_baseOffset} claims {_count} records");
        }

        if (Remaining > 0)
        {
            throw new InvalidRecordsException($"The batch with base offset {_baseOffset} has {Remaining} bytes after its {_count} records");
        }
    }

    private ReadOnlySpan<byte> TakeField(int length, int end)
    {
        if (length < -1 || length > end - _position)
        {
            throw Invalid($"has a field of {length} bytes where {end - _position} are left");
        }

        ReadOnlySpan<byte> field = _records.Slice(_position, Math.Max(length, 0));
        _position += field.Length;
        return field;
    }

    private void SkipHeaders(int count, int end)
    {
        if (count < 0 || count > (end - _position) / 2)
        {
            throw Invalid($"claims {count} headers in {end - _position} bytes");
        }

        for (int i = 0; i < count; i++)
        {
            int keyLength = ReadVarint();
            if (keyLength < 0)
            {
                throw Invalid("has a header without a key");
            }

            TakeField(keyLength, end);
            TakeField(ReadVarint(), end);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int ReadVarint()
    {
        // One byte is by far the most common length.
        if (_position < _records.Length && _records[_position] < 0x80)
        {
            uint single = _records[_position++];
            return (int)(single >> 1) ^ -(int)(single & 1);
        }

        ulong bits = ReadBits(5);
        return bits <= uint.MaxValue ? (int)((uint)bits >> 1) ^ -(int)(bits & 1) : throw Invalid("has a varint beyond 32 bits");
    }

    private long ReadVarlong()
    {
        ulong bits = ReadBits(10);
        return (long)(bits >> 1) ^ -(long)(bits & 1);
    }

    private ulong ReadBits(int maxBytes)
    {
        ulong value = 0;
        for (int i = 0; i < maxBytes; i++)
        {
            Need(1);
            byte b = _records[_position++];
            value |= (ulong)(b & 0x7f) << (7 * i);
            if (b < 0x80)
            {
                return value;
            }
        }

        throw Invalid($"has a varint that goes on after {maxBytes} bytes");
    }

    private readonly void Need(int bytes)
    {
        if (Remaining < bytes)
        {
            throw Invalid("ends in the middle");
        }
    }

    private readonly InvalidRecordsException Invalid(string how) => new($"Record {_index} of the batch with base offset {_baseOffset} {how}");
}
