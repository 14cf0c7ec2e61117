using System.Buffers;
using System.IO.Compression;

namespace Broker.Protocol.Records;

/// <summary>Gzip, from the framework.</summary>
internal static class GzipFraming
{
    private const int DefaultLevel = 6;

    public static void Compress(int? level, ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        var options = new ZLibCompressionOptions { CompressionLevel = level is null or -1 ? DefaultLevel : Math.Clamp(level.Value, 1, 9) };
        using var gzip = new GZipStream(new BufferWriterStream(output), options);
        gzip.Write(input);
    }

    public static unsafe void Decompress(ReadOnlySpan<byte> input, BoundedBuffer output)
    {
        if (input.IsEmpty)
        {
            throw new InvalidRecordsException("The gzip stream is empty");
        }

        fixed (byte* bytes = input)
        {
            using var gzip = new GZipStream(new UnmanagedMemoryStream(bytes, input.Length), CompressionMode.Decompress);
            output.Fill(gzip);
        }
    }
}
