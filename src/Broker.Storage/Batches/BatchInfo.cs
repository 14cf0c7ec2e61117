using System.Buffers.Binary;

namespace Broker.Storage;

/// <summary>
/// What the log needs to know of a batch without looking at its records. A message of format 0 or 1 (directories of old versions hold them) counts as a batch:
/// its offset is that of its last record, and its first offset is only known to be not above it.
/// </summary>
internal readonly record struct BatchInfo
{
    /// <summary>Offset, length and everything up to the magic byte: the part that all formats share.</summary>
    public const int CommonPrefix = 17;
    public const int HeaderSize = 61;
    private const int Overhead = 12;
    private const int SmallestLegacyMessage = 14;

    public long BaseOffset { get; init; }

    public long LastOffset { get; init; }

    public int Size { get; init; }

    public byte Magic { get; init; }

    public int LeaderEpoch { get; init; }

    public short Attributes { get; init; }

    /// <summary>-1 in format 0.</summary>
    public long MaxTimestamp { get; init; }

    public long ProducerId { get; init; }

    public short ProducerEpoch { get; init; }

    public int BaseSequence { get; init; }

    /// <summary>False for the header that compaction leaves of a batch.</summary>
    public bool HasRecords { get; init; }

    public bool HasProducer => ProducerId >= 0;

    public bool IsTransactional => (Attributes & 0x10) != 0;

    public bool IsControl => (Attributes & 0x20) != 0;

    /// <summary>Sequences wrap from 2^31-1 to 0.</summary>
    public int LastSequence => BaseSequence < 0 ? -1 : (int)((BaseSequence + (LastOffset - BaseOffset)) & int.MaxValue);

    /// <summary>
    /// May come behind a batch that ends with <paramref name="previous"/> in the segment that starts at <paramref name="segmentBase"/>. Base offset and leader epoch lie
    /// outside the checksum: the order of a log is all that tells a wrong one.
    /// </summary>
    public bool Follows(long previous, long segmentBase) =>
        LastOffset > previous && (Magic < 2 || BaseOffset > previous) && LastOffset - segmentBase <= int.MaxValue;

    /// <summary>Parses the start of a batch. False when the bytes are no batch header or are too few for one; the caller knows which from how many it had.</summary>
    public static bool TryParse(ReadOnlySpan<byte> bytes, out BatchInfo batch)
    {
        batch = default;
        if (bytes.Length < CommonPrefix)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadInt32BigEndian(bytes[8..]);
        byte magic = bytes[16];
        return magic switch
        {
            2 => TryParseCurrent(bytes, length, out batch),
            0 or 1 => TryParseLegacy(bytes, length, magic, out batch),
            _ => false,
        };
    }

    private static bool TryParseCurrent(ReadOnlySpan<byte> bytes, int length, out BatchInfo batch)
    {
        batch = default;
        if (bytes.Length < HeaderSize || length < HeaderSize - Overhead || length > int.MaxValue - Overhead)
        {
            return false;
        }

        long baseOffset = BinaryPrimitives.ReadInt64BigEndian(bytes);
        int lastOffsetDelta = BinaryPrimitives.ReadInt32BigEndian(bytes[23..]);
        if (baseOffset < 0 || lastOffsetDelta < 0)
        {
            return false;
        }

        batch = new BatchInfo
        {
            BaseOffset = baseOffset,
            LastOffset = baseOffset + lastOffsetDelta,
            Size = length + Overhead,
            Magic = 2,
            LeaderEpoch = BinaryPrimitives.ReadInt32BigEndian(bytes[12..]),
            Attributes = BinaryPrimitives.ReadInt16BigEndian(bytes[21..]),
            MaxTimestamp = BinaryPrimitives.ReadInt64BigEndian(bytes[35..]),
            ProducerId = BinaryPrimitives.ReadInt64BigEndian(bytes[43..]),
            ProducerEpoch = BinaryPrimitives.ReadInt16BigEndian(bytes[51..]),
            BaseSequence = BinaryPrimitives.ReadInt32BigEndian(bytes[53..]),
            HasRecords = BinaryPrimitives.ReadInt32BigEndian(bytes[57..]) > 0,
        };
        return true;
    }

    private static bool TryParseLegacy(ReadOnlySpan<byte> bytes, int length, byte magic, out BatchInfo batch)
    {
        batch = default;
        int smallest = magic == 0 ? SmallestLegacyMessage : SmallestLegacyMessage + 8;
        if (bytes.Length < Overhead + smallest || length < smallest || length > int.MaxValue - Overhead)
        {
            return false;
        }

        long offset = BinaryPrimitives.ReadInt64BigEndian(bytes);
        if (offset < 0)
        {
            return false;
        }

        batch = new BatchInfo
        {
            BaseOffset = offset,
            LastOffset = offset,
            Size = length + Overhead,
            Magic = magic,
            LeaderEpoch = -1,
            Attributes = 0,
            MaxTimestamp = magic == 0 ? -1 : BinaryPrimitives.ReadInt64BigEndian(bytes[18..]),
            ProducerId = -1,
            ProducerEpoch = -1,
            BaseSequence = -1,
            HasRecords = true,
        };
        return true;
    }
}
