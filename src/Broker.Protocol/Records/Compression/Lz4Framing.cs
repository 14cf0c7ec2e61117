using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using K4os.Compression.LZ4;

namespace Broker.Protocol.Records;

/// <summary>
/// The LZ4 frame format as far as Kafka's clients use it, on top of a block codec: blocks are independent, with and without checksums and content size;
/// written are blocks of 64 KiB. In messages of magic 0 the header checksum also covers the frame's magic number, a mistake of old clients that is kept for them:
/// what they send is read whatever its header checksum, what they get has the wrong one.
/// </summary>
internal static class Lz4Framing
{
    private const uint Magic = 0x184D2204;
    private const int MagicBytes = 4, HeadBytes = 7, SizeBytes = 4, ChecksumBytes = 4;
    private const int BlockBytes = 64 * 1024, BlockSizeId64KiB = 4;
    private const int DefaultLevel = 9;

    /// <summary>An LZ4 sequence cannot make more than 255 bytes of each of its own.</summary>
    private const int MaxExpansion = 255, ExpansionSlack = 64;
    private const uint Uncompressed = 0x8000_0000;
    private const byte VersionMask = 0xC0, Version1 = 0x40, Independent = 0x20, BlockChecksum = 0x10, ContentSize = 0x08, ContentChecksum = 0x04, ReservedFlags = 0x03;
    private const byte ReservedSizeBits = 0x8F;

    public static void Compress(int? level, ReadOnlySpan<byte> input, IBufferWriter<byte> output, bool legacyChecksum)
    {
        LZ4Level speed = level is null or DefaultLevel ? LZ4Level.L00_FAST : (LZ4Level)Math.Clamp(level.Value, (int)LZ4Level.L03_HC, (int)LZ4Level.L12_MAX);
        Span<byte> head = output.GetSpan(HeadBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(head, Magic);
        head[4] = Version1 | Independent;
        head[5] = BlockSizeId64KiB << 4;
        head[6] = HeadChecksum(legacyChecksum ? head[..6] : head[MagicBytes..6]);
        output.Advance(HeadBytes);
        while (input.Length > 0)
        {
            ReadOnlySpan<byte> block = input[..Math.Min(BlockBytes, input.Length)];
            input = input[block.Length..];
            CompressBlock(block, speed, output);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(output.GetSpan(SizeBytes), 0);
        output.Advance(SizeBytes);
    }

    private static void CompressBlock(ReadOnlySpan<byte> block, LZ4Level speed, IBufferWriter<byte> output)
    {
        Span<byte> target = output.GetSpan(SizeBytes + LZ4Codec.MaximumOutputSize(block.Length));
        int written = LZ4Codec.Encode(block, target[SizeBytes..], speed);
        if (written > 0 && written < block.Length)
        {
            BinaryPrimitives.WriteInt32LittleEndian(target, written);
        }
        else
        {
            written = block.Length;
            BinaryPrimitives.WriteUInt32LittleEndian(target, (uint)written | Uncompressed);
            block.CopyTo(target[SizeBytes..]);
        }

        output.Advance(SizeBytes + written);
    }

    public static void Decompress(ReadOnlySpan<byte> input, BoundedBuffer output, bool ignoreHeadChecksum)
    {
        byte flags = ReadHead(ref input, ignoreHeadChecksum, out int maxBlock);
        while (true)
        {
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(Take(ref input, SizeBytes));
            if (size == 0)
            {
                break;
            }

            uint length = size & ~Uncompressed;
            if (length > maxBlock)
            {
                throw new InvalidRecordsException($"An LZ4 block claims {length} bytes in a frame of blocks of at most {maxBlock}");
            }

            ReadOnlySpan<byte> block = Take(ref input, (int)length);
            if ((flags & BlockChecksum) != 0)
            {
                CheckSum(ref input, block, "block's");
            }

            Block(block, (size & Uncompressed) != 0, maxBlock, output);
        }

        if ((flags & ContentChecksum) != 0)
        {
            CheckSum(ref input, output.Span, "frame's content");
        }
    }

    private static void Block(ReadOnlySpan<byte> block, bool stored, int maxBlock, BoundedBuffer output)
    {
        if (stored)
        {
            block.CopyTo(output.Reserve(block.Length));
            output.Advance(block.Length);
            return;
        }

        int room = (int)Math.Min(maxBlock, ((long)block.Length * MaxExpansion) + ExpansionSlack);
        int written = LZ4Codec.Decode(block, output.Reserve(room)[..room]);
        if (written < 0)
        {
            throw new InvalidRecordsException($"An LZ4 block of {block.Length} bytes is broken, depends on another block, or is larger than its frame allows");
        }

        output.Advance(written);
    }

    private static byte ReadHead(ref ReadOnlySpan<byte> input, bool ignoreChecksum, out int maxBlock)
    {
        ReadOnlySpan<byte> whole = input;
        if (BinaryPrimitives.ReadUInt32LittleEndian(Take(ref input, MagicBytes)) != Magic)
        {
            throw new InvalidRecordsException("The records are not an LZ4 frame");
        }

        byte flags = Take(ref input, 1)[0];
        byte sizes = Take(ref input, 1)[0];
        int blockSizeId = sizes >> 4;
        if ((flags & VersionMask) != Version1 || (flags & ReservedFlags) != 0 || (sizes & ReservedSizeBits) != 0 || blockSizeId < BlockSizeId64KiB)
        {
            throw new InvalidRecordsException($"The LZ4 frame has flags 0x{flags:x2} and block sizes 0x{sizes:x2}, which are not supported");
        }

        if ((flags & Independent) == 0)
        {
            // Single blocks could be read here, but the Java client could not read them back: better the producer learns it.
            throw new InvalidRecordsException("The LZ4 frame's blocks depend on each other, which Kafka clients cannot read; compress with independent blocks");
        }

        if ((flags & ContentSize) != 0)
        {
            Take(ref input, sizeof(long));
        }

        maxBlock = 1 << (8 + (2 * blockSizeId));
        ReadOnlySpan<byte> descriptor = whole[MagicBytes..(whole.Length - input.Length)];
        byte checksum = Take(ref input, 1)[0];
        if (!ignoreChecksum && checksum != HeadChecksum(descriptor))
        {
            throw new InvalidRecordsException("The LZ4 frame's header checksum does not match");
        }

        return flags;
    }

    private static byte HeadChecksum(ReadOnlySpan<byte> descriptor) => (byte)(XxHash32.HashToUInt32(descriptor) >> 8);

    private static void CheckSum(scoped ref ReadOnlySpan<byte> input, ReadOnlySpan<byte> summed, string whose)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(Take(ref input, ChecksumBytes)) != XxHash32.HashToUInt32(summed))
        {
            throw new InvalidRecordsException($"The LZ4 {whose} checksum does not match");
        }
    }

    private static ReadOnlySpan<byte> Take(scoped ref ReadOnlySpan<byte> input, int bytes)
    {
        if (bytes > input.Length)
        {
            throw new InvalidRecordsException($"The LZ4 frame needs {bytes} more bytes, but {input.Length} are left");
        }

        ReadOnlySpan<byte> taken = input[..bytes];
        input = input[bytes..];
        return taken;
    }
}
