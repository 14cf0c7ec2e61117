using System.Buffers;
using System.IO.Compression;
using System.Runtime.InteropServices;

namespace Broker.Protocol.Records;

/// <summary>
/// Compresses and decompresses the record section of a batch, in the framings Kafka's clients use. What a stream claims about its own size is
/// never trusted: output grows with what really comes and stops at the caller's cap.
/// </summary>
public static class RecordCompression
{
    /// <summary>Cap for callers that have no better one: what clients may reasonably put in one batch, times what text compresses to.</summary>
    public const int DefaultMaxBytes = 256 * 1024 * 1024;

    /// <exception cref="ArgumentOutOfRangeException">The codec has no meaning.</exception>
    public static void Compress(CompressionCodec codec, int? level, ReadOnlyMemory<byte> input, IBufferWriter<byte> output)
    {
        switch (codec)
        {
            case CompressionCodec.None:
                output.Write(input.Span);
                break;
            case CompressionCodec.Gzip:
                CompressGzip(level, input.Span, output);
                break;
            case CompressionCodec.Snappy:
                SnappyFraming.Compress(input.Span, output);
                break;
            case CompressionCodec.Lz4:
                Lz4Framing.Compress(level, input.Span, output, legacyChecksum: false);
                break;
            case CompressionCodec.Zstd:
                using (var compressor = new ZstdSharp.Compressor(level ?? ZstdSharp.Compressor.DefaultCompressionLevel))
                {
                    Span<byte> target = output.GetSpan(ZstdSharp.Compressor.GetCompressBound(input.Length));
                    output.Advance(compressor.Wrap(input.Span, target));
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(codec), codec, "There is no such codec");
        }
    }

    /// <summary>Decompresses into pooled memory, which the caller disposes.</summary>
    /// <exception cref="InvalidRecordsException">The stream is broken, of an unknown codec, or larger than <paramref name="maxBytes"/>.</exception>
    public static BoundedBuffer Decompress(CompressionCodec codec, ReadOnlyMemory<byte> input, int maxBytes, bool legacyLz4Checksum = false) =>
        Decompress(codec, input.Span, maxBytes, legacyLz4Checksum);

    /// <inheritdoc cref="Decompress(CompressionCodec, ReadOnlyMemory{byte}, int, bool)"/>
    public static BoundedBuffer Decompress(CompressionCodec codec, ReadOnlySpan<byte> span, int maxBytes, bool legacyLz4Checksum = false)
    {
        ReadOnlyMemory<byte> input = span.ToArray();
        var output = new BoundedBuffer(maxBytes);
        try
        {
            switch (codec)
            {
                case CompressionCodec.Gzip:
                    using (var gzip = new GZipStream(AsStream(input), CompressionMode.Decompress))
                    {
                        output.Fill(gzip);
                    }

                    break;
                case CompressionCodec.Snappy:
                    SnappyFraming.Decompress(input.Span, output);
                    break;
                case CompressionCodec.Lz4:
                    Lz4Framing.Decompress(input.Span, output, legacyLz4Checksum);
                    break;
                case CompressionCodec.Zstd:
                    using (var zstd = new ZstdSharp.DecompressionStream(AsStream(input)))
                    {
                        output.Fill(zstd);
                    }

                    break;
                default:
                    throw new InvalidRecordsException($"Codec {(byte)codec} does not exist");
            }

            return output;
        }
        catch (Exception e) when (e is InvalidDataException or ZstdSharp.ZstdException or EndOfStreamException or ArgumentException)
        {
            output.Dispose();
            throw new InvalidRecordsException($"The {codec} stream of {input.Length} bytes is broken: {e.Message}", e);
        }
        catch (InvalidRecordsException)
        {
            output.Dispose();
            throw;
        }
    }

    private static void CompressGzip(int? level, ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, new ZLibCompressionOptions { CompressionLevel = level is null or -1 ? 6 : level.Value }, leaveOpen: true))
        {
            gzip.Write(input);
        }

        output.Write(target.GetBuffer().AsSpan(0, (int)target.Length));
    }

    private static MemoryStream AsStream(ReadOnlyMemory<byte> input) =>
        MemoryMarshal.TryGetArray(input, out ArraySegment<byte> segment)
            ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
            : new MemoryStream(input.ToArray(), writable: false);
}
