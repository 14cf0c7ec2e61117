using System.Buffers.Binary;
using System.Text;

namespace Broker.Protocol;

/// <summary>
/// Writes the primitives of the Kafka protocol into memory of exactly the size that was computed before. File ranges are noted, not copied.
/// </summary>
public sealed class WireWriter
{
    private readonly Memory<byte> _destination;
    private List<FileAttachment>? _attachments;

    public WireWriter(Memory<byte> destination, int position = 0)
    {
        _destination = destination;
        Position = position;
    }

    public int Position { get; private set; }

    /// <summary>The file ranges among what was written, in order.</summary>
    public IReadOnlyList<FileAttachment> Attachments => _attachments ?? (IReadOnlyList<FileAttachment>)[];

    public void WriteInt8(sbyte value) => Take(1)[0] = (byte)value;

    public void WriteBoolean(bool value) => Take(1)[0] = value ? (byte)1 : (byte)0;

    public void WriteInt16(short value) => BinaryPrimitives.WriteInt16BigEndian(Take(2), value);

    public void WriteUInt16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);

    public void WriteInt32(int value) => BinaryPrimitives.WriteInt32BigEndian(Take(4), value);

    public void WriteInt64(long value) => BinaryPrimitives.WriteInt64BigEndian(Take(8), value);

    public void WriteFloat64(double value) => BinaryPrimitives.WriteDoubleBigEndian(Take(8), value);

    public void WriteUuid(Guid value) => value.TryWriteBytes(Take(16), bigEndian: true, out _);

    public void WriteErrorCode(ErrorCode value) => WriteInt16((short)value);

    public void WriteUnsignedVarint(uint value)
    {
        Span<byte> target = Take(WireSize.UnsignedVarint(value));
        int i = 0;
        while (value >= 0x80)
        {
            target[i++] = (byte)(value | 0x80);
            value >>= 7;
        }

        target[i] = (byte)value;
    }

    public void WriteString(string? value, bool compact)
    {
        if (value is null)
        {
            WriteLength(-1, compact, isString: true);
            return;
        }

        int bytes = Encoding.UTF8.GetByteCount(value);
        WriteLength(bytes, compact, isString: true);
        Encoding.UTF8.GetBytes(value, Take(bytes));
    }

    public void WriteBytes(byte[]? value, bool compact)
    {
        WriteLength(value?.Length ?? -1, compact, isString: false);
        value?.CopyTo(Take(value.Length));
    }

    public void WriteRecords(WireRecords records, bool compact)
    {
        WriteLength(records.IsNull ? -1 : records.Length, compact, isString: false);
        if (records.File is { } slice)
        {
            (_attachments ??= []).Add(new FileAttachment(Position, slice));
        }
        else
        {
            records.Memory.Span.CopyTo(Take(records.Length));
        }
    }

    /// <summary>Writes an array's count; -1 for null.</summary>
    public void WriteArrayCount(int count, bool compact) => WriteLength(count, compact, isString: false);

    /// <summary>Stops a null on its way into a version whose readers do not know it there.</summary>
    /// <exception cref="InvalidOperationException">The caller built a message that cannot be sent in this version.</exception>
    public static void ForbidNull(bool isNull, string field, short version)
    {
        if (isNull)
        {
            throw new InvalidOperationException($"{field} is null, which version {version} of the message cannot carry");
        }
    }

    private void WriteLength(int length, bool compact, bool isString)
    {
        if (compact)
        {
            WriteUnsignedVarint((uint)(length + 1));
        }
        else if (!isString)
        {
            WriteInt32(length);
        }
        else if (length <= short.MaxValue)
        {
            WriteInt16((short)length);
        }
        else
        {
            throw new ArgumentException($"A string of {length} bytes cannot be sent in this version, which counts them in 16 bits");
        }
    }

    private Span<byte> Take(int bytes)
    {
        Span<byte> taken = _destination.Span.Slice(Position, bytes);
        Position += bytes;
        return taken;
    }
}
