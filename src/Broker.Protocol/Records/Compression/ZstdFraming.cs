using System.Buffers;
using System.Buffers.Binary;
using ZstdSharp;

namespace Broker.Protocol.Records;

/// <summary>
/// Zstandard frames. Decompression writes straight to the output, which is also the history that matches copy from, so that the window a frame asks for (up to
/// gigabytes) is never allocated; how much output there can be is learned from the block headers, which cost bytes, and not from the frame's own claim.
/// Contexts are kept for each thread.
/// </summary>
internal static class ZstdFraming
{
    private const uint FrameMagic = 0xFD2FB528;
    private const uint SkippableMagic = 0x184D2A50, SkippableMask = 0xFFFF_FFF0;
    private const int MaxBlockBytes = 128 * 1024;
    private const int BlockHeaderBytes = 3, ChecksumBytes = 4;
    private const int RunLengthBlock = 1, CompressedBlock = 2;

    /// <summary>Above this level a context holds tens of MiB, too much to keep for a next time.</summary>
    private const int LastKeptLevel = 12;

    [ThreadStatic]
    private static Compressor? t_compressor;

    [ThreadStatic]
    private static Decompressor? t_decompressor;

    public static void Compress(int? level, ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        int wanted = Math.Clamp(level ?? Compressor.DefaultCompressionLevel, Compressor.MinCompressionLevel, Compressor.MaxCompressionLevel);
        Span<byte> target = output.GetSpan(Compressor.GetCompressBound(input.Length));
        if (wanted > LastKeptLevel)
        {
            using var compressor = new Compressor(wanted);
            output.Advance(compressor.Wrap(input, target));
            return;
        }

        Compressor kept = t_compressor ??= new Compressor(wanted);
        if (kept.Level != wanted)
        {
            kept.Level = wanted;
        }

        output.Advance(kept.Wrap(input, target));
    }

    public static void Decompress(ReadOnlySpan<byte> input, BoundedBuffer output)
    {
        MeasureFrames(input, out long certain, out long atMost);
        if (certain > output.Headroom)
        {
            throw output.TooLarge();
        }

        int room = (int)Math.Min(atMost, output.Headroom);
        Span<byte> target = output.Reserve(room)[..room];
        if ((t_decompressor ??= new Decompressor()).TryUnwrap(input, target, out int written))
        {
            output.Advance(written);
            return;
        }

        throw atMost > room ? output.TooLarge() : new InvalidRecordsException("The zstd stream expands to more than its blocks can hold");
    }

    /// <summary>Hops over the blocks of all frames: stored blocks and runs say exactly how much they make, compressed ones make at most 128 KiB each.</summary>
    private static void MeasureFrames(ReadOnlySpan<byte> input, out long certain, out long atMost)
    {
        certain = atMost = 0;
        if (input.IsEmpty)
        {
            throw new InvalidRecordsException("The zstd stream is empty");
        }

        while (input.Length > 0)
        {
            uint magic = BinaryPrimitives.ReadUInt32LittleEndian(Take(ref input, 4));
            if ((magic & SkippableMask) == SkippableMagic)
            {
                Take(ref input, BinaryPrimitives.ReadUInt32LittleEndian(Take(ref input, 4)));
                continue;
            }

            if (magic != FrameMagic)
            {
                throw new InvalidRecordsException($"The zstd stream has a frame that begins with 0x{magic:x8}");
            }

            MeasureFrame(ref input, out long certainInFrame, out long atMostInFrame);
            certain += certainInFrame;
            atMost += atMostInFrame;
        }
    }

    private static void MeasureFrame(ref ReadOnlySpan<byte> input, out long certain, out long atMost)
    {
        byte descriptor = Take(ref input, 1)[0];
        ulong contentSize = SkipFrameHeader(ref input, descriptor);
        certain = atMost = 0;
        bool isLast;
        do
        {
            ReadOnlySpan<byte> head = Take(ref input, BlockHeaderBytes);
            int bits = head[0] | (head[1] << 8) | (head[2] << 16);
            isLast = (bits & 1) != 0;
            int type = (bits >> 1) & 3, size = bits >> 3;
            if (type > CompressedBlock || size > MaxBlockBytes)
            {
                throw new InvalidRecordsException($"A zstd block has type {type} and {size} bytes, which no block has");
            }

            Take(ref input, type == RunLengthBlock ? 1 : (uint)size);
            certain += type == CompressedBlock ? 0 : size;
            atMost += type == CompressedBlock ? MaxBlockBytes : size;
        }
        while (!isLast);

        if ((descriptor & 0x04) != 0)
        {
            Take(ref input, ChecksumBytes);
        }

        // The decoder refuses a frame whose content is of another size than it says, so a smaller claim may be believed.
        atMost = contentSize < (ulong)atMost ? (long)contentSize : atMost;
    }

    /// <summary>The content size the frame claims; the largest number when it claims none.</summary>
    private static ulong SkipFrameHeader(ref ReadOnlySpan<byte> input, byte descriptor)
    {
        bool isSingleSegment = (descriptor & 0x20) != 0;
        Take(ref input, isSingleSegment ? 0 : 1u);
        Take(ref input, (descriptor & 3) switch { 0 => 0u, 1 => 1, 2 => 2, _ => 4 });
        return (descriptor >> 6) switch
        {
            0 => isSingleSegment ? Take(ref input, 1)[0] : ulong.MaxValue,
            1 => BinaryPrimitives.ReadUInt16LittleEndian(Take(ref input, 2)) + 256ul,
            2 => BinaryPrimitives.ReadUInt32LittleEndian(Take(ref input, 4)),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(Take(ref input, 8)),
        };
    }

    private static ReadOnlySpan<byte> Take(scoped ref ReadOnlySpan<byte> input, uint bytes)
    {
        if (bytes > (uint)input.Length)
        {
            throw new InvalidRecordsException($"The zstd stream needs {bytes} more bytes, but {input.Length} are left");
        }

        ReadOnlySpan<byte> taken = input[..(int)bytes];
        input = input[(int)bytes..];
        return taken;
    }
}
