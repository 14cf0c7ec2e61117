using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace Broker.Protocol.Records;

/// <summary>
/// Gzip, from the framework. Its stream ends quietly where its input does, so that a stream cut short is found by the trailer of the last member,
/// which must fit what came out.
/// </summary>
internal static class GzipFraming
{
    private const int DefaultLevel = 6;
    private const int TrailerBytes = 8, SmallestMember = 18;

    public static void Compress(int? level, ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        var options = new ZLibCompressionOptions { CompressionLevel = level is null or -1 ? DefaultLevel : Math.Clamp(level.Value, 1, 9) };
        using var gzip = new GZipStream(new BufferWriterStream(output), options);
        gzip.Write(input);
    }

    public static unsafe void Decompress(ReadOnlySpan<byte> input, BoundedBuffer output)
    {
        if (input.Length < SmallestMember)
        {
            throw new InvalidRecordsException($"The {input.Length} bytes are too few for a gzip stream");
        }

        fixed (byte* bytes = input)
        {
            using var gzip = new GZipStream(new UnmanagedMemoryStream(bytes, input.Length), CompressionMode.Decompress);
            output.Fill(gzip);
        }

        ReadOnlySpan<byte> trailer = input[^TrailerBytes..];
        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(trailer);
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(trailer[sizeof(uint)..]);
        if (length > output.Length || Crc32.HashToUInt32(output.Span[^(int)length..]) != crc)
        {
            throw new InvalidRecordsException($"The gzip stream of {input.Length} bytes does not end with the trailer of its content");
        }
    }
}
