using System.Buffers.Binary;
using Broker.Protocol.Records;

namespace Broker.Storage;

/// <summary>NNN.snapshot: the state of all producers as of offset NNN (exclusive). Only each producer's last batch is kept, as in Kafka.</summary>
internal static class ProducerSnapshot
{
    private const short Version = 1;
    private const int HeaderSize = 10;
    private const int CrcAt = 2;
    private const int CrcFrom = 6;
    private const int EntrySize = 46;

    public static byte[] Encode(IReadOnlyCollection<ProducerState> producers)
    {
        byte[] bytes = new byte[HeaderSize + (producers.Count * EntrySize)];
        BinaryPrimitives.WriteInt16BigEndian(bytes, Version);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(CrcFrom), producers.Count);
        int at = HeaderSize;
        foreach (ProducerState producer in producers)
        {
            SequenceRange last = producer.HasBatches ? producer.LastBatch : new SequenceRange(-1, -1, 0, -1);
            Span<byte> entry = bytes.AsSpan(at, EntrySize);
            BinaryPrimitives.WriteInt64BigEndian(entry, producer.ProducerId);
            BinaryPrimitives.WriteInt16BigEndian(entry[8..], producer.Epoch);
            BinaryPrimitives.WriteInt32BigEndian(entry[10..], last.LastSequence);
            BinaryPrimitives.WriteInt64BigEndian(entry[14..], last.LastOffset);
            BinaryPrimitives.WriteInt32BigEndian(entry[22..], last.OffsetDelta);
            BinaryPrimitives.WriteInt64BigEndian(entry[26..], producer.LastTimestampMs);
            BinaryPrimitives.WriteInt32BigEndian(entry[34..], producer.CoordinatorEpoch);
            BinaryPrimitives.WriteInt64BigEndian(entry[38..], producer.TransactionFirstOffset);
            at += EntrySize;
        }

        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(CrcAt), Crc32C.Compute(bytes.AsSpan(CrcFrom)));
        return bytes;
    }

    /// <summary>Null when the bytes are not an intact snapshot: an older one, or the log itself, serves instead.</summary>
    public static List<ProducerState>? TryDecode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderSize
            || BinaryPrimitives.ReadInt16BigEndian(bytes) != Version
            || BinaryPrimitives.ReadUInt32BigEndian(bytes[CrcAt..]) != Crc32C.Compute(bytes[CrcFrom..]))
        {
            return null;
        }

        int count = BinaryPrimitives.ReadInt32BigEndian(bytes[CrcFrom..]);
        if (count < 0 || (long)count * EntrySize != bytes.Length - HeaderSize)
        {
            return null;
        }

        List<ProducerState> producers = new(count);
        for (int i = 0; i < count; i++)
        {
            producers.Add(DecodeEntry(bytes.Slice(HeaderSize + (i * EntrySize), EntrySize)));
        }

        return producers;
    }

    private static ProducerState DecodeEntry(ReadOnlySpan<byte> entry)
    {
        ProducerState producer = new(BinaryPrimitives.ReadInt64BigEndian(entry));
        short epoch = BinaryPrimitives.ReadInt16BigEndian(entry[8..]);
        int lastSequence = BinaryPrimitives.ReadInt32BigEndian(entry[10..]);
        long lastOffset = BinaryPrimitives.ReadInt64BigEndian(entry[14..]);
        int offsetDelta = BinaryPrimitives.ReadInt32BigEndian(entry[22..]);
        long timestamp = BinaryPrimitives.ReadInt64BigEndian(entry[26..]);
        producer.SetEpoch(epoch);
        if (lastOffset >= 0)
        {
            producer.AddBatch(epoch, new SequenceRange(lastSequence, lastOffset, offsetDelta, timestamp));
        }

        producer.LastTimestampMs = timestamp;
        producer.CoordinatorEpoch = BinaryPrimitives.ReadInt32BigEndian(entry[34..]);
        producer.TransactionFirstOffset = BinaryPrimitives.ReadInt64BigEndian(entry[38..]);
        return producer;
    }
}
