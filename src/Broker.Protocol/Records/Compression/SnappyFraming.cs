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
    private const int HeadBytes = 16;

    /// <summary>No snappy element copies more than 64 bytes for its 2 or 3, so a larger claim is a lie.</summary>
    private const int MaxExpansion = 64;

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
        if (!input.StartsWith(Head[..8]))
        {
            Block(input, output);
            return;
        }

        if (input.Length < HeadBytes)
        {
            throw new InvalidRecordsException("A framed snappy stream ends inside its head");
        }

        input = input[HeadBytes..];
        while (input.Length > 0)
        {
            int length = input.Length >= 4 ? BinaryPrimitives.ReadInt32BigEndian(input) : -1;
            if (length < 0 || length > input.Length - 4)
            {
                throw new InvalidRecordsException($"A snappy block claims {length} bytes, but {Math.Max(input.Length - 4, 0)} are left");
            }

            Block(input.Slice(4, length), output);
            input = input[(4 + length)..];
        }
    }

    private static void Block(ReadOnlySpan<byte> block, BoundedBuffer output)
    {
        if (block.IsEmpty)
        {
            return;
        }

        int length = Snappy.GetUncompressedLength(block);
        if (length < 0 || length > (long)block.Length * MaxExpansion)
        {
            throw new InvalidRecordsException($"A snappy block of {block.Length} bytes claims to expand to {length}");
        }

        int written = Snappy.Decompress(block, output.Reserve(length)[..length]);
        output.Advance(written);
    }
}
