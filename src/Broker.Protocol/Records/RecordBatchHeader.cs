using System.Buffers.Binary;

namespace Broker.Protocol.Records;

/// <summary>How the records of a batch are compressed: bits 0 to 2 of its attributes.</summary>
public enum CompressionCodec : byte
{
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}

/// <summary>Whose clock a batch's timestamps are: bit 3 of its attributes.</summary>
public enum TimestampType : byte
{
    CreateTime = 0,
    LogAppendTime = 1,
}

/// <summary>The 61 bytes in front of the records of a batch of magic 2, as values. Nothing is checked but the magic.</summary>
public readonly struct RecordBatchHeader
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 61;

    /// <summary>Bytes before and including the length field, which the length does not count.</summary>
    public const int LengthOverhead = 12;

    internal const int LengthPosition = 8, LeaderEpochPosition = 12, MagicPosition = 16, CrcPosition = 17, AttributesPosition = 21,
        LastOffsetDeltaPosition = 23, BaseTimestampPosition = 27, MaxTimestampPosition = 35, ProducerIdPosition = 43, ProducerEpochPosition = 51,
        BaseSequencePosition = 53, RecordCountPosition = 57;

    internal const short CodecMask = 0x07, LogAppendTimeFlag = 0x08, TransactionalFlag = 0x10, ControlFlag = 0x20, DeleteHorizonFlag = 0x40;

    private RecordBatchHeader(ReadOnlySpan<byte> bytes)
    {
        BaseOffset = BinaryPrimitives.ReadInt64BigEndian(bytes);
        BatchLength = BinaryPrimitives.ReadInt32BigEndian(bytes[LengthPosition..]);
        PartitionLeaderEpoch = BinaryPrimitives.ReadInt32BigEndian(bytes[LeaderEpochPosition..]);
        Magic = bytes[MagicPosition];
        Crc = BinaryPrimitives.ReadUInt32BigEndian(bytes[CrcPosition..]);
        Attributes = BinaryPrimitives.ReadInt16BigEndian(bytes[AttributesPosition..]);
        LastOffsetDelta = BinaryPrimitives.ReadInt32BigEndian(bytes[LastOffsetDeltaPosition..]);
        BaseTimestamp = BinaryPrimitives.ReadInt64BigEndian(bytes[BaseTimestampPosition..]);
        MaxTimestamp = BinaryPrimitives.ReadInt64BigEndian(bytes[MaxTimestampPosition..]);
        ProducerId = BinaryPrimitives.ReadInt64BigEndian(bytes[ProducerIdPosition..]);
        ProducerEpoch = BinaryPrimitives.ReadInt16BigEndian(bytes[ProducerEpochPosition..]);
        BaseSequence = BinaryPrimitives.ReadInt32BigEndian(bytes[BaseSequencePosition..]);
        RecordCount = BinaryPrimitives.ReadInt32BigEndian(bytes[RecordCountPosition..]);
    }

    public long BaseOffset { get; }

    /// <summary>Bytes after the length field.</summary>
    public int BatchLength { get; }

    public int PartitionLeaderEpoch { get; }

    public byte Magic { get; }

    /// <summary>CRC-32C of everything from the attributes on.</summary>
    public uint Crc { get; }

    public short Attributes { get; }

    public int LastOffsetDelta { get; }

    /// <summary>Ms since 1970; the delete horizon instead when <see cref="HasDeleteHorizon"/>.</summary>
    public long BaseTimestamp { get; }

    /// <summary>Ms since 1970.</summary>
    public long MaxTimestamp { get; }

    /// <summary>-1 for producers that are not idempotent.</summary>
    public long ProducerId { get; }

    public short ProducerEpoch { get; }

    /// <summary>-1 when there is no producer id, and in control batches.</summary>
    public int BaseSequence { get; }

    public int RecordCount { get; }

    /// <summary>Bytes of the whole batch. Wrong when <see cref="BatchLength"/> is: check it before trusting this.</summary>
    public int SizeInBytes => BatchLength + LengthOverhead;

    public long LastOffset => BaseOffset + LastOffsetDelta;

    /// <summary>The codec's bits as they are; 5 to 7 have no meaning.</summary>
    public CompressionCodec Codec => (CompressionCodec)(Attributes & CodecMask);

    public TimestampType TimestampType => (Attributes & LogAppendTimeFlag) != 0 ? TimestampType.LogAppendTime : TimestampType.CreateTime;

    public bool IsTransactional => (Attributes & TransactionalFlag) != 0;

    public bool IsControl => (Attributes & ControlFlag) != 0;

    public bool HasDeleteHorizon => (Attributes & DeleteHorizonFlag) != 0;

    public bool HasProducerId => ProducerId >= 0;

    /// <summary>Sequence of the last record; sequences wrap from 2^31-1 to 0.</summary>
    public int LastSequence => BaseSequence < 0 ? BaseSequence : (int)(((long)BaseSequence + LastOffsetDelta) & int.MaxValue);

    /// <summary>Ms since 1970 when tombstones of this batch may go; -1 when that is not decided yet.</summary>
    public long DeleteHorizonMs => HasDeleteHorizon ? BaseTimestamp : -1;

    /// <summary>False when there are fewer than <see cref="Size"/> bytes or they are of another magic.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out RecordBatchHeader header)
    {
        if (bytes.Length < Size || bytes[MagicPosition] != 2)
        {
            header = default;
            return false;
        }

        header = new RecordBatchHeader(bytes);
        return true;
    }

    /// <summary>Checks the CRC over a whole batch.</summary>
    public static bool HasValidCrc(ReadOnlySpan<byte> batch) =>
        BinaryPrimitives.ReadUInt32BigEndian(batch[CrcPosition..]) == Crc32C.Compute(batch[AttributesPosition..]);
}
