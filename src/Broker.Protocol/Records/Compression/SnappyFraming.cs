using System.Buffers;
using System.Buffers.Binary;
using Snappier;

namespace Broker.Protocol.Records;

/// <summary>
/// Snappy as Kafka carries it: the Java clients' framing (a 16-byte head, then length-prefixed blocks) in and out, and a bare block in, which other clients send.
/// </summary>
internal static class SnappyFraming
{
    private const int BlockBytes = 32 * 1024;
    private const int HeadBytes = 16, MagicBytes = 8, CompatibleVersionPosition = 12;

    /// <summary>No snappy element makes more than 64 bytes of its 3, so a larger claim is a lie.</summary>
    private const int MaxExpansion = 22;

    private static ReadOnlySpan<byte> Head => [0x82, (byte)'S', (byte)'N', (byte)'A', (byte)'P', (byte)'P', (byte)'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1];

    public static void Compress(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        output.Write(Head);
        while (input.Length > 0)
        {
            ReadOnlySpan<byte> block = input[..Math.Min(BlockBytes, input.Length)];
            input = input[block.Length..];
            Span<byte> target = output.GetSpan(4 + Snappy.GetMaxCompressedLength(block.Length));
            int written = Snappy.Compress(block, target[4..]);
            BinaryPrimitives.WriteInt32BigEndian(target, written);
            output.Advance(4 + written);
        }
    }

    public static void Decompress(ReadOnlySpan<byte> input, BoundedBuffer output)
    {
        if (!input.StartsWith(Head[..MagicBytes]))
        {
            Block(input, output);
            return;
        }

        while (input.Length > 0)
        {
            // Streams written one after another repeat the head between their blocks.
            if (input.StartsWith(Head[..MagicBytes]))
            {
                SkipHead(ref input);
                continue;
            }

            int length = input.Length >= 4 ? BinaryPrimitives.ReadInt32BigEndian(input) : -1;
            if (length < 0 || length > input.Length - 4)
            {
                throw new InvalidRecordsException($"A snappy block claims {length} bytes, but {Math.Max(input.Length - 4, 0)} are left");
            }

            if (length > 0)
            {
                Block(input.Slice(4, length), output);
            }

            input = input[(4 + length)..];
        }
    }

    private static void SkipHead(ref ReadOnlySpan<byte> input)
    {
        if (input.Length < HeadBytes)
        {
            throw new InvalidRecordsException("A framed snappy stream ends inside its head");
        }

        int version = BinaryPrimitives.ReadInt32BigEndian(input[CompatibleVersionPosition..]);
        if (version < 1)
        {
            throw new InvalidRecordsException($"A framed snappy stream has version {version}; 1 is the first that can be read");
        }

        input = input[HeadBytes..];
    }

    private static void Block(ReadOnlySpan<byte> block, BoundedBuffer output)
    {
        int length = Snappy.GetUncompressedLength(block);
        if (length < 0 || length > (long)block.Length * MaxExpansion)
        {
            throw new InvalidRecordsException($"A snappy block of {block.Length} bytes claims to expand to {length}");
        }

        if (length > output.Headroom)
        {
            throw output.TooLarge();
        }

        if (!Snappy.TryDecompress(block, output.Reserve(length)[..length], out int written) || written != length)
        {
            throw new InvalidRecordsException($"A snappy block of {block.Length} bytes does not expand to the {length} it claims");
        }

        output.Advance(written);
    }
}
