using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text;

namespace Broker.Protocol;

/// <summary>
/// Reads the primitives of the Kafka protocol from one contiguous frame. Every read checks what is left first, so hostile lengths cost nothing.
/// Copy it to look ahead: it is a value.
/// </summary>
public ref struct WireReader
{
    private const int MaxVarintBytes = 5;
    private const int MaxVarlongBytes = 10;

    private readonly ReadOnlyMemory<byte> _source;
    private readonly ReadOnlySpan<byte> _span;
    private int _position;

    public WireReader(ReadOnlyMemory<byte> source)
    {
        _source = source;
        _span = source.Span;
        _position = 0;
    }

    public readonly int Position => _position;

    public readonly int Remaining => _span.Length - _position;

    /// <summary>The bytes between two positions, without copying.</summary>
    public readonly ReadOnlyMemory<byte> Slice(int start, int end) => _source[start..end];

    public sbyte ReadInt8() => (sbyte)Take(1)[0];

    public bool ReadBoolean() => Take(1)[0] != 0;

    public short ReadInt16() => BinaryPrimitives.ReadInt16BigEndian(Take(2));

    public ushort ReadUInt16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    public int ReadInt32() => BinaryPrimitives.ReadInt32BigEndian(Take(4));

    public long ReadInt64() => BinaryPrimitives.ReadInt64BigEndian(Take(8));

    public double ReadFloat64() => BinaryPrimitives.ReadDoubleBigEndian(Take(8));

    public Guid ReadUuid() => new(Take(16), bigEndian: true);

    public ErrorCode ReadErrorCode() => (ErrorCode)ReadInt16();

    public uint ReadUnsignedVarint()
    {
        ulong value = ReadVarintBits(MaxVarintBytes);
        return value <= uint.MaxValue ? (uint)value : throw new ProtocolException($"An unsigned varint of {value} does not fit 32 bits");
    }

    /// <summary>A zig-zag varint of 32 bits.</summary>
    public int ReadVarint()
    {
        uint bits = ReadUnsignedVarint();
        return (int)(bits >> 1) ^ -(int)(bits & 1);
    }

    /// <summary>A zig-zag varint of 64 bits.</summary>
    public long ReadVarlong()
    {
        ulong bits = ReadVarintBits(MaxVarlongBytes);
        return (long)(bits >> 1) ^ -(long)(bits & 1);
    }

    public string ReadString(bool compact) => ReadNullableString(compact) ?? throw new ProtocolException("A string that must not be null is null");

    public string? ReadNullableString(bool compact)
    {
        int length = ReadStringLength(compact);
        return length < 0 ? null : Encoding.UTF8.GetString(Take(length));
    }

    public byte[] ReadBytes(bool compact) => ReadNullableBytes(compact) ?? throw new ProtocolException("A byte field that must not be null is null");

    public byte[]? ReadNullableBytes(bool compact)
    {
        int length = ReadBytesLength(compact);
        return length < 0 ? null : Take(length).ToArray();
    }

    /// <summary>Records stay where they are: the result points into the frame.</summary>
    public WireRecords ReadRecords(bool compact, bool nullable)
    {
        int length = ReadBytesLength(compact);
        if (length < 0)
        {
            return nullable ? WireRecords.Null : throw new ProtocolException("Records that must not be null are null");
        }

        int start = _position;
        Take(length);
        return WireRecords.FromMemory(_source.Slice(start, length));
    }

    /// <summary>
    /// Reads an array's count, -1 for null, and checks it against what is left: a count that could not fit is a lie, found before anything is made for it.
    /// </summary>
    /// <param name="compact">Flexible encoding.</param>
    /// <param name="minElementBytes">The least one element takes in this version.</param>
    public int ReadArrayCount(bool compact, int minElementBytes)
    {
        long count = compact ? (long)ReadUnsignedVarint() - 1 : ReadInt32();
        if (count < -1 || count * minElementBytes > Remaining)
        {
            throw new ProtocolException($"An array claims {count} elements of at least {minElementBytes} bytes, but {Remaining} bytes are left");
        }

        return (int)count;
    }

    /// <summary>Skips the tag section of a struct that knows no tags in this version.</summary>
    public void SkipTags()
    {
        uint count = ReadTagCount();
        long previous = -1;
        for (uint i = 0; i < count; i++)
        {
            ReadTag(ref previous, out int size);
            Skip(size);
        }
    }

    /// <summary>The number of tagged fields; each takes at least two bytes, which bounds it.</summary>
    public uint ReadTagCount()
    {
        uint count = ReadUnsignedVarint();
        return count <= (uint)Remaining / 2 ? count : throw new ProtocolException($"A tag section claims {count} fields, but {Remaining} bytes are left");
    }

    /// <summary>Reads the head of the next tagged field. Tags must ascend.</summary>
    public uint ReadTag(ref long previous, out int size)
    {
        uint tag = ReadUnsignedVarint();
        if (tag <= previous)
        {
            throw new ProtocolException($"Tag {tag} follows tag {previous}; tags must ascend");
        }

        previous = tag;
        uint length = ReadUnsignedVarint();
        if (length > (uint)Remaining)
        {
            throw new ProtocolException($"Tag {tag} claims {length} bytes, but {Remaining} are left");
        }

        size = (int)length;
        return tag;
    }

    /// <summary>Checks that a tagged field ended where its size said.</summary>
    public readonly void ExpectEnd(int end, uint tag)
    {
        if (_position != end)
        {
            throw new ProtocolException($"Tag {tag} was said to end at byte {end} of the frame but ends at {_position}");
        }
    }

    public void Skip(int bytes) => Take(bytes);

    /// <summary>Skips <paramref name="count"/> elements of a fixed size, which <see cref="ReadArrayCount"/> has checked.</summary>
    public void SkipFixed(int count, int size) => Take(checked(count * size));

    public void SkipString(bool compact, bool nullable)
    {
        int length = ReadStringLength(compact);
        Take(length >= 0 || nullable ? Math.Max(length, 0) : throw new ProtocolException("A string that must not be null is null"));
    }

    public void SkipBytes(bool compact, bool nullable)
    {
        int length = ReadBytesLength(compact);
        Take(length >= 0 || nullable ? Math.Max(length, 0) : throw new ProtocolException("A byte field that must not be null is null"));
    }

    /// <summary>Reads the marker of a nullable struct: -1 for null, anything else for present.</summary>
    public bool ReadStructPresent() => ReadInt8() >= 0;

    private int ReadStringLength(bool compact)
    {
        if (!compact)
        {
            return CheckLength(ReadInt16());
        }

        return CheckLength((long)ReadUnsignedVarint() - 1);
    }

    private int ReadBytesLength(bool compact) => CheckLength(compact ? (long)ReadUnsignedVarint() - 1 : ReadInt32());

    private readonly int CheckLength(long length) =>
        length >= -1 && length <= Remaining ? (int)length : throw new ProtocolException($"A field claims {length} bytes, but {Remaining} are left");

    private ulong ReadVarintBits(int maxBytes)
    {
        ulong value = 0;
        for (int i = 0; i < maxBytes; i++)
        {
            byte b = Take(1)[0];
            value |= (ulong)(b & 0x7f) << (7 * i);
            if (b < 0x80)
            {
                return value;
            }
        }

        throw new ProtocolException($"A varint goes on after {maxBytes} bytes");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ReadOnlySpan<byte> Take(int bytes)
    {
        if ((uint)bytes > (uint)(_span.Length - _position))
        {
            ThrowTooShort(bytes);
        }

        ReadOnlySpan<byte> taken = _span.Slice(_position, bytes);
        _position += bytes;
        return taken;
    }

    private readonly void ThrowTooShort(int bytes) =>
        throw new ProtocolException($"{bytes} bytes are needed at byte {_position} of the frame, but {Remaining} are left");
}
