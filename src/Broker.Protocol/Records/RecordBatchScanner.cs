using System.Buffers.Binary;
using System.IO.Hashing;

namespace Broker.Protocol.Records;

/// <summary>
/// Walks the batches in a piece of a log: batches of magic 2 and messages of magic 0 and 1, which may alternate. Stops at the first bytes that are no whole,
/// sound batch; <see cref="ValidBytes"/> then says where. Allocates nothing.
/// </summary>
public ref struct RecordBatchScanner
{
    /// <summary>Offset and length: what every magic begins with, not counted by the length.</summary>
    internal const int PrefixBytes = 12;
    private const int BytesUpToMagic = RecordBatchHeader.MagicPosition + 1;
    private const int LegacyCrcPosition = 12;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly bool _verifyCrc;

    public RecordBatchScanner(ReadOnlySpan<byte> bytes, bool verifyCrc)
    {
        _bytes = bytes;
        _verifyCrc = verifyCrc;
    }

    /// <summary>The batch or message just found, whole.</summary>
    public ReadOnlySpan<byte> Current { get; private set; }

    /// <summary>Where <see cref="Current"/> starts.</summary>
    public int Position { get; private set; }

    /// <summary>Magic of <see cref="Current"/>: 0, 1 or 2.</summary>
    public byte Magic { get; private set; }

    /// <summary>Where the sound batches found so far end.</summary>
    public int ValidBytes { get; private set; }

    /// <summary>Why the walk stopped; <see cref="BatchDefect.None"/> at a clean end.</summary>
    public BatchDefect Defect { get; private set; }

    /// <summary>The header of <see cref="Current"/> when its magic is 2.</summary>
    public readonly bool TryReadHeader(out RecordBatchHeader header) => RecordBatchHeader.TryRead(Current, out header);

    public bool MoveNext()
    {
        ReadOnlySpan<byte> rest = _bytes[ValidBytes..];
        if (Defect != BatchDefect.None || rest.IsEmpty)
        {
            return false;
        }

        Defect = Measure(rest, out int size);
        if (Defect == BatchDefect.None && _verifyCrc && !HasValidCrc(rest[..size]))
        {
            Defect = BatchDefect.BadChecksum;
        }

        if (Defect != BatchDefect.None)
        {
            return false;
        }

        Position = ValidBytes;
        Current = rest[..size];
        Magic = rest[RecordBatchHeader.MagicPosition];
        ValidBytes += size;
        return true;
    }

    /// <summary>Finds how long the batch or message at the start is, if it is whole.</summary>
    internal static BatchDefect Measure(ReadOnlySpan<byte> bytes, out int size)
    {
        size = 0;
        if (bytes.Length < BytesUpToMagic)
        {
            return BatchDefect.Incomplete;
        }

        byte magic = bytes[RecordBatchHeader.MagicPosition];
        if (magic > 2)
        {
            return BatchDefect.UnknownMagic;
        }

        int length = BinaryPrimitives.ReadInt32BigEndian(bytes[RecordBatchHeader.LengthPosition..]);
        int least = magic switch
        {
            0 => LegacyMessage.HeaderBytesV0,
            1 => LegacyMessage.HeaderBytesV1,
            _ => RecordBatchHeader.Size - PrefixBytes,
        };
        if (length < least || length > int.MaxValue - PrefixBytes)
        {
            return BatchDefect.BadLength;
        }

        if (length + PrefixBytes > bytes.Length)
        {
            return BatchDefect.Incomplete;
        }

        size = length + PrefixBytes;
        return BatchDefect.None;
    }

    /// <summary>Checks the checksum of a whole batch or message.</summary>
    public static bool HasValidCrc(ReadOnlySpan<byte> batch) => batch[RecordBatchHeader.MagicPosition] == 2
        ? RecordBatchHeader.HasValidCrc(batch)
        : BinaryPrimitives.ReadUInt32BigEndian(batch[LegacyCrcPosition..]) == Crc32.HashToUInt32(batch[(LegacyCrcPosition + 4)..]);
}
