using System.Buffers.Binary;

namespace Broker.Protocol.Records;

/// <summary>Changes to a batch of magic 2 in place. Base offset and leader epoch lie outside the CRC; for the others it is computed anew.</summary>
public static class RecordBatchPatch
{
    public static void SetBaseOffset(Span<byte> batch, long baseOffset) => BinaryPrimitives.WriteInt64BigEndian(batch, baseOffset);

    public static void SetPartitionLeaderEpoch(Span<byte> batch, int epoch) =>
        BinaryPrimitives.WriteInt32BigEndian(batch[RecordBatchHeader.LeaderEpochPosition..], epoch);

    /// <summary>Makes <paramref name="appendTimeMs"/> the time of every record.</summary>
    public static void SetLogAppendTime(Span<byte> batch, long appendTimeMs) => SetTimestamps(batch, TimestampType.LogAppendTime, appendTimeMs);

    public static void SetMaxTimestamp(Span<byte> batch, long maxTimestampMs)
    {
        BinaryPrimitives.WriteInt64BigEndian(batch[RecordBatchHeader.MaxTimestampPosition..], maxTimestampMs);
        UpdateCrc(batch);
    }

    /// <summary>Sets whose clock the timestamps are and the largest of them.</summary>
    public static void SetTimestamps(Span<byte> batch, TimestampType type, long maxTimestampMs)
    {
        Span<byte> attributes = batch[RecordBatchHeader.AttributesPosition..];
        int others = BinaryPrimitives.ReadInt16BigEndian(attributes) & ~RecordBatchHeader.LogAppendTimeFlag;
        BinaryPrimitives.WriteInt16BigEndian(attributes, (short)(others | (type == TimestampType.LogAppendTime ? RecordBatchHeader.LogAppendTimeFlag : 0)));
        SetMaxTimestamp(batch, maxTimestampMs);
    }

    /// <summary>
    /// Writes the header of <paramref name="batch"/> without its records: what compaction leaves of a batch whose offsets or sequences must not be forgotten.
    /// Takes <see cref="RecordBatchHeader.Size"/> bytes.
    /// </summary>
    public static void WriteEmpty(ReadOnlySpan<byte> batch, Span<byte> destination)
    {
        Span<byte> header = destination[..RecordBatchHeader.Size];
        batch[..RecordBatchHeader.Size].CopyTo(header);
        BinaryPrimitives.WriteInt32BigEndian(header[RecordBatchHeader.LengthPosition..], RecordBatchHeader.Size - RecordBatchHeader.LengthOverhead);
        Span<byte> attributes = header[RecordBatchHeader.AttributesPosition..];
        int kept = BinaryPrimitives.ReadInt16BigEndian(attributes) & ~(RecordBatchHeader.CodecMask | RecordBatchHeader.DeleteHorizonFlag);
        BinaryPrimitives.WriteInt16BigEndian(attributes, (short)kept);
        BinaryPrimitives.WriteInt64BigEndian(header[RecordBatchHeader.BaseTimestampPosition..], -1);
        BinaryPrimitives.WriteInt32BigEndian(header[RecordBatchHeader.RecordCountPosition..], 0);
        UpdateCrc(header);
    }

    /// <summary>Sums what is there now.</summary>
    public static void UpdateCrc(Span<byte> batch) =>
        BinaryPrimitives.WriteUInt32BigEndian(batch[RecordBatchHeader.CrcPosition..], Crc32C.Compute(batch[RecordBatchHeader.AttributesPosition..]));
}
