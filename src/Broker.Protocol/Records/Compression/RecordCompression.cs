using System.Buffers;
using ZstdSharp;

namespace Broker.Protocol.Records;

/// <summary>
/// Compresses and decompresses the record section of a batch, in the framings Kafka's clients use. What a stream claims about its own size is
/// never trusted: output grows with what really comes and stops at the caller's cap. Thread-safe.
/// </summary>
public static class RecordCompression
{
    /// <summary>Cap for callers that have no better one: the default of max.message.bytes, 1 MiB, times 128, which is more than logs and text compress to.</summary>
    public const int DefaultMaxBytes = 128 * 1024 * 1024;

    /// <param name="codec">The codec.</param>
    /// <param name="level">Null for the codec's default.</param>
    /// <param name="input">What to compress.</param>
    /// <param name="output">Where the compressed bytes go.</param>
    /// <param name="legacyLz4Checksum">Write the header checksum that LZ4 frames have in messages of magic 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">The codec has no meaning.</exception>
    public static void Compress(CompressionCodec codec, int? level, ReadOnlySpan<byte> input, IBufferWriter<byte> output, bool legacyLz4Checksum = false)
    {
        switch (codec)
        {
            case CompressionCodec.None:
                output.Write(input);
                break;
            case CompressionCodec.Gzip:
                GzipFraming.Compress(level, input, output);
                break;
            case CompressionCodec.Snappy:
                SnappyFraming.Compress(input, output);
                break;
            case CompressionCodec.Lz4:
                Lz4Framing.Compress(level, input, output, legacyLz4Checksum);
                break;
            case CompressionCodec.Zstd:
                ZstdFraming.Compress(level, input, output);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(codec), codec, "There is no such codec");
        }
    }

    /// <inheritdoc cref="Decompress(CompressionCodec, ReadOnlySpan{byte}, int, bool)"/>
    public static BoundedBuffer Decompress(CompressionCodec codec, ReadOnlyMemory<byte> input, int maxBytes, bool legacyLz4Checksum = false) =>
        Decompress(codec, input.Span, maxBytes, legacyLz4Checksum);

    /// <summary>Decompresses into pooled memory, which the caller disposes.</summary>
    /// <exception cref="InvalidRecordsException">The stream is broken, of an unknown codec, or larger than <paramref name="maxBytes"/>.</exception>
    public static BoundedBuffer Decompress(CompressionCodec codec, ReadOnlySpan<byte> input, int maxBytes, bool legacyLz4Checksum = false)
    {
        var output = new BoundedBuffer(maxBytes);
        bool isDone = false;
        try
        {
            Decompress(codec, input, output, legacyLz4Checksum);
            isDone = true;
            return output;
        }
        catch (Exception e) when (e is InvalidDataException or ZstdException or EndOfStreamException or ArgumentException)
        {
            throw new InvalidRecordsException($"The {codec} stream of {input.Length} bytes is broken: {e.Message}", e);
        }
        finally
        {
            if (!isDone)
            {
                output.Dispose();
            }
        }
    }

    private static void Decompress(CompressionCodec codec, ReadOnlySpan<byte> input, BoundedBuffer output, bool legacyLz4Checksum)
    {
        switch (codec)
        {
            case CompressionCodec.Gzip:
                GzipFraming.Decompress(input, output);
                break;
            case CompressionCodec.Snappy:
                SnappyFraming.Decompress(input, output);
                break;
            case CompressionCodec.Lz4:
                Lz4Framing.Decompress(input, output, legacyLz4Checksum);
                break;
            case CompressionCodec.Zstd:
                ZstdFraming.Decompress(input, output);
                break;
            default:
                throw new InvalidRecordsException($"Codec {(byte)codec} is none that can be decompressed");
        }
    }
}
