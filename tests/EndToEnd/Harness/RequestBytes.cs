using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Broker.EndToEnd;

/// <summary>Writes requests byte by byte, on purpose without anything of the broker: a mistake in its codec cannot hide behind the same mistake here.</summary>
internal sealed class RequestBytes
{
    private readonly List<byte> _bytes = [];

    public byte[] ToArray() => [.. _bytes];

    /// <summary>A request with header version 1, which every version that is not flexible has.</summary>
    public static RequestBytes Request(short key, short version, int correlationId) =>
        new RequestBytes().Int16(key).Int16(version).Int32(correlationId).String("hostile");

    /// <summary>A produce request v3 of one batch for partition 0 of the topic.</summary>
    public static byte[] Produce(int correlationId, short acks, string topic, byte[] batch, int partition = 0) =>
        Request(0, 3, correlationId).NullString().Int16(acks).Int32(10_000).Int32(1).String(topic).Int32(1).Int32(partition).Block(batch).ToArray();

    /// <summary>The same with header version 2, which flexible versions have.</summary>
    public static RequestBytes Flexible(short key, short version, int correlationId) => Request(key, version, correlationId).NoTags();

    /// <summary>A record batch (magic 2) with one record.</summary>
    public static byte[] Batch(ReadOnlySpan<byte> value) => Batch(value, 0, -1, -1, -1);

    /// <summary>The same as part of a transaction.</summary>
    public static byte[] TransactionalBatch(ReadOnlySpan<byte> value, long producerId, short epoch, int sequence) => Batch(value, 0x10, producerId, epoch, sequence);

    private static byte[] Batch(ReadOnlySpan<byte> value, short attributes, long producerId, short epoch, int sequence)
    {
        byte[] record = new RequestBytes().Int8(0).Varint(0).Varint(0).Varint(-1).Varint(value.Length).Raw(value).Varint(0).ToArray();
        byte[] body = new RequestBytes()
            .Int16(attributes).Int32(0)                          // attributes, last offset delta
            .Int64(1_700_000_000_000).Int64(1_700_000_000_000)   // first and largest timestamp
            .Int64(producerId).Int16(epoch).Int32(sequence)      // producer id, epoch, sequence
            .Int32(1).Varint(record.Length).Raw(record).ToArray();
        return new RequestBytes().Int64(0).Int32(9 + body.Length).Int32(-1).Int8(2).Int32((int)Checksum(body)).Raw(body).ToArray();
    }

    public RequestBytes Int8(sbyte value) => Raw([(byte)value]);

    public RequestBytes Int16(short value)
    {
        Span<byte> bytes = stackalloc byte[2];
        BinaryPrimitives.WriteInt16BigEndian(bytes, value);
        return Raw(bytes);
    }

    public RequestBytes Int32(int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return Raw(bytes);
    }

    public RequestBytes Int64(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(bytes, value);
        return Raw(bytes);
    }

    /// <summary>Signed, zigzag.</summary>
    public RequestBytes Varint(int value) => Unsigned((uint)((value << 1) ^ (value >> 31)));

    private RequestBytes Unsigned(uint rest)
    {
        for (; rest > 0x7F; rest >>= 7)
        {
            _bytes.Add((byte)(rest | 0x80));
        }

        _bytes.Add((byte)rest);
        return this;
    }

    public RequestBytes String(string value)
    {
        byte[] text = Encoding.UTF8.GetBytes(value);
        return Int16((short)text.Length).Raw(text);
    }

    public RequestBytes NullString() => Int16(-1);

    /// <summary>Shorter than 127 bytes, as flexible versions write it.</summary>
    public RequestBytes CompactString(string value) => Int8((sbyte)(value.Length + 1)).Raw(Encoding.UTF8.GetBytes(value));

    /// <summary>The empty section of tagged fields that ends a structure of a flexible version.</summary>
    public RequestBytes NoTags() => Int8(0);

    /// <summary>The length in front of an array of a flexible version.</summary>
    public RequestBytes CompactCount(int count) => Unsigned((uint)count + 1);

    public RequestBytes CompactBlock(ReadOnlySpan<byte> value) => Unsigned((uint)value.Length + 1).Raw(value);

    public RequestBytes Block(ReadOnlySpan<byte> value) => Int32(value.Length).Raw(value);

    public RequestBytes Raw(ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return ~crc;
    }
}
