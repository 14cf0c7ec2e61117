using System.Runtime.CompilerServices;

namespace Broker.Protocol.Records;

/// <summary>One record of a batch; spans point into the batch or its decompressed form.</summary>
public readonly ref struct Record
{
    public long Offset { get; init; }

    /// <summary>Ms since 1970.</summary>
    public long Timestamp { get; init; }

    /// <summary>-1 when the batch has no sequences.</summary>
    public int Sequence { get; init; }

    public bool HasKey { get; init; }

    /// <summary>Empty when there is no key.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    public bool HasValue { get; init; }

    /// <summary>Empty when the value is null.</summary>
    public ReadOnlySpan<byte> Value { get; init; }

    public int HeaderCount { get; init; }

    /// <summary>The headers as encoded, without their count.</summary>
    public ReadOnlySpan<byte> Headers { get; init; }
}

/// <summary>
/// Walks the records of one uncompressed record section (magic 2), checking every length as it goes. Allocates nothing.
/// </summary>
public ref struct RecordCursor
{
    private readonly ReadOnlySpan<byte> _records;
    private readonly long _baseOffset;
    private readonly long _baseTimestamp;
    private readonly long _maxTimestamp;
    private readonly int _baseSequence;
    private readonly bool _logAppendTime;
    private readonly int _count;
    private int _position;
    private int _index;

    /// <param name="header">Header of the batch.</param>
    /// <param name="records">Its records, decompressed.</param>
    public RecordCursor(scoped in RecordBatchHeader header, ReadOnlySpan<byte> records)
    {
        _records = records;
        _baseOffset = header.BaseOffset;
        _baseTimestamp = header.BaseTimestamp;
        _maxTimestamp = header.MaxTimestamp;
        _baseSequence = header.BaseSequence;
        _logAppendTime = header.TimestampType == TimestampType.LogAppendTime;
        _count = header.RecordCount;
    }

    /// <summary>Offset delta of the record just read.</summary>
    public int OffsetDelta { get; private set; }

    /// <summary>Bytes of the record section not read yet.</summary>
    public readonly int Remaining => _records.Length - _position;

    /// <summary>Reads the next record; false after the last one the header counts.</summary>
    /// <exception cref="InvalidRecordsException">A length or count does not fit.</exception>
    public bool MoveNext(out Record record)
    {
        if (_index >= _count)
        {
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
            Timestamp = _logAppendTime ? _maxTimestamp : _baseTimestamp + timestampDelta,
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

/// <summary>Walks the headers of a <see cref="Record"/>, which has checked them.</summary>
public ref struct RecordHeaderCursor(Record record)
{
    private readonly int _count = record.HeaderCount;
    private ReadOnlySpan<byte> _rest = record.Headers;
    private int _index;

    public bool MoveNext(out ReadOnlySpan<byte> key, out bool hasValue, out ReadOnlySpan<byte> value)
    {
        key = value = default;
        hasValue = false;
        if (_index >= _count)
        {
            return false;
        }

        _index++;
        key = Take(ReadVarint());
        int length = ReadVarint();
        hasValue = length >= 0;
        value = Take(Math.Max(length, 0));
        return true;
    }

    private ReadOnlySpan<byte> Take(int length)
    {
        ReadOnlySpan<byte> taken = _rest[..length];
        _rest = _rest[length..];
        return taken;
    }

    private int ReadVarint()
    {
        uint bits = 0;
        int shift = 0;
        byte b;
        do
        {
            b = _rest[0];
            _rest = _rest[1..];
            bits |= (uint)(b & 0x7f) << shift;
            shift += 7;
        }
        while (b >= 0x80);
        return (int)(bits >> 1) ^ -(int)(bits & 1);
    }
}
