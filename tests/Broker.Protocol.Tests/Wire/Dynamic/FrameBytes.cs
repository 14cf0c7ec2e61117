using System.Buffers.Binary;
using System.Text;

namespace Broker.Protocol.Tests;

/// <summary>What a length or count in an encoded frame counts.</summary>
internal enum LengthKind
{
    Int16,
    Int32,
    Varint,
}

/// <summary>Where an encoded frame holds a length or count, for those who want to make it lie.</summary>
internal readonly record struct LengthMark(int Position, int Size, LengthKind Kind);

/// <summary>The protocol's primitives written a second time, without the product's writer, so that the two check each other.</summary>
internal sealed class FrameBytes
{
    private readonly List<byte> _bytes = [];

    public List<LengthMark> Marks { get; } = [];

    public int Length => _bytes.Count;

    public byte[] ToArray() => [.. _bytes];

    public void Raw(ReadOnlySpan<byte> bytes) => _bytes.AddRange(bytes);

    public void Int8(sbyte value) => _bytes.Add((byte)value);

    public void Int16(short value)
    {
        Span<byte> b = stackalloc byte[2];
        BinaryPrimitives.WriteInt16BigEndian(b, value);
        Raw(b);
    }

    public void Int32(int value)
    {
        Span<byte> b = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(b, value);
        Raw(b);
    }

    public void Int64(long value)
    {
        Span<byte> b = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(b, value);
        Raw(b);
    }

    public void Varint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            _bytes.Add((byte)(value | 0x80));
        }

        _bytes.Add((byte)value);
    }

    /// <summary>A count or length that <see cref="Marks"/> remembers; -1 for null. Compact ones are one higher.</summary>
    public void Count(int count, bool compact)
    {
        int start = Length;
        if (compact)
        {
            Varint((ulong)(count + 1));
        }
        else
        {
            Int32(count);
        }

        Marks.Add(new LengthMark(start, Length - start, compact ? LengthKind.Varint : LengthKind.Int32));
    }

    public void String(string? value, bool compact)
    {
        byte[]? bytes = value is null ? null : Encoding.UTF8.GetBytes(value);
        if (compact)
        {
            Count(bytes?.Length ?? -1, compact: true);
        }
        else
        {
            Marks.Add(new LengthMark(Length, 2, LengthKind.Int16));
            Int16((short)(bytes?.Length ?? -1));
        }

        Raw(bytes ?? []);
    }

    public void Bytes(byte[]? value, bool compact)
    {
        Count(value?.Length ?? -1, compact);
        Raw(value ?? []);
    }

    /// <summary>A number of tags or the size of one, which are not one higher.</summary>
    public void TagLength(int value)
    {
        int start = Length;
        Varint((ulong)value);
        Marks.Add(new LengthMark(start, Length - start, LengthKind.Varint));
    }

    /// <summary>Appends another frame's bytes and marks.</summary>
    public void Append(FrameBytes other)
    {
        int start = Length;
        _bytes.AddRange(other._bytes);
        Marks.AddRange(other.Marks.Select(mark => mark with { Position = mark.Position + start }));
    }
}
