using System.Buffers.Binary;
using Broker.Protocol.Records;

namespace Broker.Storage;

/// <summary>The transaction marker in a control batch.</summary>
internal readonly record struct ControlRecord(bool IsAbort, bool IsCommit, int CoordinatorEpoch)
{
    /// <summary>False when the batch holds no such record. Other control types (KRaft's) parse and are neither abort nor commit.</summary>
    public static bool TryParse(ReadOnlySpan<byte> batch, out ControlRecord marker)
    {
        marker = default;
        int at = BatchInfo.HeaderSize;
        bool isWellFormed = TryReadVarint(batch, ref at, out _) && Skip(batch, ref at, 1)
            && TryReadVarint(batch, ref at, out _) && TryReadVarint(batch, ref at, out _);
        if (!isWellFormed || !TryReadVarint(batch, ref at, out long keyLength) || keyLength < 4 || keyLength > batch.Length - at)
        {
            return false;
        }

        short type = BinaryPrimitives.ReadInt16BigEndian(batch[(at + 2)..]);
        at += (int)keyLength;
        int epoch = -1;
        if (TryReadVarint(batch, ref at, out long valueLength) && valueLength >= 6 && valueLength <= batch.Length - at)
        {
            epoch = BinaryPrimitives.ReadInt32BigEndian(batch[(at + 2)..]);
        }

        marker = new ControlRecord(type == 0, type == 1, epoch);
        return true;
    }

    /// <summary>Null for a control batch that compaction emptied; neither abort nor commit for one that is not a transaction marker.</summary>
    public static ControlRecord? OfBatch(in RecordBatchHeader header, ReadOnlySpan<byte> batch) =>
        header.RecordCount == 0 ? null : TryParse(batch, out ControlRecord marker) ? marker : default(ControlRecord);

    private static bool Skip(ReadOnlySpan<byte> bytes, ref int at, int count)
    {
        at += count;
        return at <= bytes.Length;
    }

    private static bool TryReadVarint(ReadOnlySpan<byte> bytes, ref int at, out long value)
    {
        ulong raw = 0;
        value = 0;
        for (int shift = 0; shift < 64 && at < bytes.Length; shift += 7)
        {
            byte next = bytes[at++];
            raw |= (ulong)(next & 0x7f) << shift;
            if ((next & 0x80) == 0)
            {
                value = (long)(raw >> 1) ^ -(long)(raw & 1);
                return true;
            }
        }

        return false;
    }
}
