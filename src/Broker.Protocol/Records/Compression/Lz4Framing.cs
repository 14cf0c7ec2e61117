using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using K4os.Compression.LZ4;

namespace Broker.Protocol.Records;

/// <summary>
/// The LZ4 frame format, on top of a block codec. Reads independent and linked blocks, with and without checksums and content size; writes 64 KiB
/// independent blocks as Kafka's clients do. Messages of magic 0 carry a header checksum that also covers the frame's magic number, a mistake kept for their sake.
/// </summary>
internal static class Lz4Framing
{
    private const uint Magic = 0x184D2204;
    private const int MagicBytes = 4;
    private const int BlockBytes = 64 * 1024;
    private const int DictionaryBytes = 64 * 1024;
    private const uint Uncompressed = 0x8000_0000;
    private const byte VersionMask = 0xC0, Version1 = 0x40, Independent = 0x20, BlockChecksum = 0x10, ContentSize = 0x08, ContentChecksum = 0x04, DictionaryId = 0x01;

    public static void Compress(int? level, ReadOnlySpan<byte> input, IBufferWriter<byte> output, bool legacyChecksum)
    {
        LZ4Level speed = level is >= (int)LZ4Level.L03_HC and <= (int)LZ4Level.L12_MAX ? (LZ4Level)level.Value
            : level > (int)LZ4Level.L12_MAX ? LZ4Level.L12_MAX : LZ4Level.L00_FAST;
        Span<byte> head = output.GetSpan(7);
        BinaryPrimitives.WriteUInt32LittleEndian(head, Magic);
        head[4] = Version1 | Independent;
        head[5] = 4 << 4;   // 64 KiB blocks
        head[6] = HeadChecksum(head[..6], legacyChecksum);
        output.Advance(7);
        while (input.Length > 0)
        {
            ReadOnlySpan<byte> block = input[..Math.Min(BlockBytes, input.Length)];
            input = input[block.Length..];
            Span<byte> target = output.GetSpan(4 + LZ4Codec.MaximumOutputSize(block.Length));
            int written = LZ4Codec.Encode(block, target[4..], speed);
            if (written > 0 && written < block.Length)
            {
                BinaryPrimitives.WriteInt32LittleEndian(target, written);
            }
            else
            {
                written = block.Length;
                BinaryPrimitives.WriteUInt32LittleEndian(target, (uint)written | Uncompressed);
                block.CopyTo(target[4..]);
            }

            output.Advance(4 + written);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(output.GetSpan(4), 0);
        output.Advance(4);
    }

    public static void Decompress(ReadOnlySpan<byte> input, BoundedBuffer output, bool legacyChecksum)
    {
        byte flags = ReadHead(ref input, legacyChecksum, out int maxBlock);
        while (true)
        {
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(Take(ref input, 4));
            if (size == 0)
            {
                break;
            }

            int length = (int)(size & ~Uncompressed);
            if (length > maxBlock)
            {
                throw new InvalidRecordsException($"An LZ4 block claims {length} bytes in a frame of blocks of at most {maxBlock}");
            }

            ReadOnlySpan<byte> block = Take(ref input, length);
            if ((flags & BlockChecksum) != 0 && BinaryPrimitives.ReadUInt32LittleEndian(Take(ref input, 4)) != XxHash32.HashToUInt32(block))
            {
                throw new InvalidRecordsException("An LZ4 block's checksum does not match");
            }

            Block(block, (size & Uncompressed) != 0, (flags & Independent) != 0, maxBlock, output);
        }

        if ((flags & ContentChecksum) != 0 && BinaryPrimitives.ReadUInt32LittleEndian(Take(ref input, 4)) != XxHash32.HashToUInt32(output.Span))
        {
            throw new InvalidRecordsException("The LZ4 frame's content checksum does not match");
        }
    }

    private static void Block(ReadOnlySpan<byte> block, bool stored, bool independent, int maxBlock, BoundedBuffer output)
    {
        if (stored)
        {
            block.CopyTo(output.Reserve(block.Length));
            output.Advance(block.Length);
            return;
        }

        // A block cannot expand more than 255 times, which keeps the reservation in proportion to what came.
        int room = (int)Math.Min(maxBlock, (block.Length * 255L) + 16);
        using var decoded = new PooledArray(room);
        int written = independent
            ? LZ4Codec.Decode(block, decoded.Span)
            : LZ4Codec.Decode(block, decoded.Span, output.Span[Math.Max(0, output.Length - DictionaryBytes)..]);
        if (written < 0)
        {
            throw new InvalidRecordsException($"An LZ4 block of {block.Length} bytes is broken or larger than its frame allows");
        }

        decoded.Span[..written].CopyTo(output.Reserve(written));
        output.Advance(written);
    }

    private static byte ReadHead(ref ReadOnlySpan<byte> input, bool legacyChecksum, out int maxBlock)
    {
        ReadOnlySpan<byte> whole = input;
        if (BinaryPrimitives.ReadUInt32LittleEndian(Take(ref input, MagicBytes)) != Magic)
        {
            throw new InvalidRecordsException("The records are not an LZ4 frame");
        }

        byte flags = Take(ref input, 1)[0];
        int blockSizeId = (Take(ref input, 1)[0] >> 4) & 7;
        if ((flags & VersionMask) != Version1 || (flags & DictionaryId) != 0 || blockSizeId < 4)
        {
            throw new InvalidRecordsException($"The LZ4 frame has flags 0x{flags:x2} and block size id {blockSizeId}, which are not supported");
        }

        if ((flags & ContentSize) != 0)
        {
            Take(ref input, 8);
        }

        maxBlock = 1 << (8 + (2 * blockSizeId));
        ReadOnlySpan<byte> head = whole[..(whole.Length - input.Length)];
        byte checksum = Take(ref input, 1)[0];
        if (checksum != HeadChecksum(head, legacy: false) && !(legacyChecksum && checksum == HeadChecksum(head, legacy: true)))
        {
            throw new InvalidRecordsException("The LZ4 frame's header checksum does not match");
        }

        return flags;
    }

    /// <summary>Second byte of the hash over the frame descriptor; the legacy form takes the magic number in as well.</summary>
    private static byte HeadChecksum(ReadOnlySpan<byte> head, bool legacy) => (byte)(XxHash32.HashToUInt32(legacy ? head : head[MagicBytes..]) >> 8);

    private static ReadOnlySpan<byte> Take(ref ReadOnlySpan<byte> input, int bytes)
    {
        if (bytes > input.Length)
        {
            throw new InvalidRecordsException($"The LZ4 frame needs {bytes} more bytes, but {input.Length} are left");
        }

        ReadOnlySpan<byte> taken = input[..bytes];
        input = input[bytes..];
        return taken;
    }

    private readonly ref struct PooledArray(int bytes)
    {
        private readonly byte[] _array = ArrayPool<byte>.Shared.Rent(bytes);

        public Span<byte> Span => _array.AsSpan(0, bytes);

        public void Dispose() => ArrayPool<byte>.Shared.Return(_array);
    }
}
