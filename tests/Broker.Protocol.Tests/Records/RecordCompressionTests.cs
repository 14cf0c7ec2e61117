using System.Buffers.Binary;
using System.IO.Compression;
using Broker.Protocol.Records;
using Xunit.Abstractions;

namespace Broker.Protocol.Tests.Records;

public sealed class RecordCompressionTests(ITestOutputHelper output)
{
    private const int Cap = 1_000_000;

    public static TheoryData<CompressionCodec, int?> Levels
    {
        get
        {
            var data = new TheoryData<CompressionCodec, int?> { { CompressionCodec.None, null }, { CompressionCodec.Snappy, null } };
            foreach (int? level in new int?[] { null, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9 })
            {
                data.Add(CompressionCodec.Gzip, level);
            }

            foreach (int? level in new int?[] { null, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17 })
            {
                data.Add(CompressionCodec.Lz4, level);
            }

            foreach (int? level in new int?[] { null, -131072, -7, -1, 1, 3, 9, 12, 13, 19, 22 })
            {
                data.Add(CompressionCodec.Zstd, level);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void EveryLevelRoundTrips(CompressionCodec codec, int? level)
    {
        Random random = Seeds.Next(output);
        foreach (int length in new[] { 1, 100, 32 * 1024, (64 * 1024) + 1, 300_000 })
        {
            byte[] content = SampleRecords.Bytes(random, length);
            using var compressed = new BoundedBuffer(int.MaxValue);
            RecordCompression.Compress(codec, level, content, compressed);
            if (codec == CompressionCodec.None)
            {
                Assert.True(compressed.Span.SequenceEqual(content));
                continue;
            }

            using BoundedBuffer plain = RecordCompression.Decompress(codec, compressed.Span, length);
            Assert.True(plain.Span.SequenceEqual(content));
        }
    }

    [Theory]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public void OneByteOverTheCapIsRefused(CompressionCodec codec)
    {
        foreach (int length in new[] { 1, 1_000, 4_096, 100_000 })
        {
            byte[] compressed = Compress(codec, SampleRecords.Bytes(new Random(1), length));
            using (RecordCompression.Decompress(codec, compressed, length))
            {
            }

            Assert.Contains("expand to more", Refusal(codec, compressed, length - 1), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public void BombStopsAtTheCap(CompressionCodec codec)
    {
        byte[] bomb = Compress(codec, new byte[64 * 1024 * 1024]);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Contains("expand to more", Refusal(codec, bomb, Cap), StringComparison.Ordinal);

        // Buffers double, so twice the cap at the end and as much on the way there; one block of slack. The bomb would have been 64 MiB.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8 * Cap);
    }

    [Fact]
    public void ZstdRunsThatClaimGigabytesAreRefusedBeforeDecoding()
    {
        // 4 bytes of input for each 128 KiB of output: 1 MiB makes 32 GiB.
        var bomb = new List<byte> { 0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x70 };
        for (int i = 0; i < 262_144; i++)
        {
            int head = (128 * 1024 << 3) | (1 << 1) | (i == 262_143 ? 1 : 0);
            bomb.AddRange([(byte)head, (byte)(head >> 8), (byte)(head >> 16), 0]);
        }

        Assert.Contains("expand to more", Refusal(CompressionCodec.Zstd, [.. bomb], RecordCompression.DefaultMaxBytes), StringComparison.Ordinal);
    }

    [Fact]
    public void ZstdClaimsCostNothing()
    {
        // A frame of one empty stored block that claims 1 GiB of content: the claim is a lie, and no buffer is made for it.
        byte[] liar = [0x28, 0xB5, 0x2F, 0xFD, 0xA0, 0x00, 0x00, 0x00, 0x40, 0x01, 0x00, 0x00];
        long before = GC.GetAllocatedBytesForCurrentThread();

        Refusal(CompressionCodec.Zstd, liar, RecordCompression.DefaultMaxBytes);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void SnappyClaimsCostNothing()
    {
        // A bare block whose preamble says 2^31-1 bytes, and a framed one whose block length does.
        byte[] bare = [0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00];
        byte[] framed = [0x82, (byte)'S', (byte)'N', (byte)'A', (byte)'P', (byte)'P', (byte)'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1, 0x7F, 0xFF, 0xFF, 0xFF, 1, 2];
        long before = GC.GetAllocatedBytesForCurrentThread();

        Refusal(CompressionCodec.Snappy, bare, RecordCompression.DefaultMaxBytes);
        Refusal(CompressionCodec.Snappy, framed, RecordCompression.DefaultMaxBytes);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void SnappyIsFramedForJavaAndReadBareAndConcatenated()
    {
        byte[] content = SampleRecords.Bytes(new Random(2), 100_000);
        byte[] framed = Compress(CompressionCodec.Snappy, content);
        byte[] bare = Snappier.Snappy.CompressToArray(content);

        Assert.Equal("82534E41505059000000000100000001", Convert.ToHexString(framed.AsSpan(0, 16)));
        int firstBlock = BinaryPrimitives.ReadInt32BigEndian(framed.AsSpan(16));
        Assert.Equal(32 * 1024, Snappier.Snappy.GetUncompressedLength(framed.AsSpan(20, firstBlock)));
        Assert.Equal(content, Decompress(CompressionCodec.Snappy, bare));
        Assert.Equal([.. content, .. content], Decompress(CompressionCodec.Snappy, [.. framed, .. framed]));
    }

    [Fact]
    public void Lz4FrameHasTheHeaderOfItsMagic()
    {
        byte[] content = SampleRecords.Bytes(new Random(3), 1_000);
        byte[] right = Compress(CompressionCodec.Lz4, content);
        using var buffer = new BoundedBuffer(int.MaxValue);
        RecordCompression.Compress(CompressionCodec.Lz4, null, content, buffer, legacyLz4Checksum: true);
        byte[] wrong = buffer.Span.ToArray();

        Assert.Equal("04224D18604082", Convert.ToHexString(right.AsSpan(0, 7)));
        Assert.Equal("04224D186040", Convert.ToHexString(wrong.AsSpan(0, 6)));
        Assert.NotEqual(right[6], wrong[6]);
        Assert.Equal("00000000", Convert.ToHexString(right.AsSpan(right.Length - 4)));
        Assert.Contains("header checksum", Refusal(CompressionCodec.Lz4, wrong, Cap), StringComparison.Ordinal);
        using BoundedBuffer plain = RecordCompression.Decompress(CompressionCodec.Lz4, wrong, Cap, legacyLz4Checksum: true);
        Assert.True(plain.Span.SequenceEqual(content));
    }

    [Fact]
    public void Lz4FramesOfOtherWritersAreRead()
    {
        byte[] content = SampleRecords.Bytes(new Random(4), 500_000);
        foreach (bool checksums in new[] { false, true })
        {
            using var target = new MemoryStream();
            var settings = new K4os.Compression.LZ4.Streams.LZ4EncoderSettings
            {
                ChainBlocks = false, BlockSize = 256 * 1024, ContentChecksum = checksums, BlockChecksum = false,
            };
            using (var encoder = K4os.Compression.LZ4.Streams.LZ4Stream.Encode(target, settings, leaveOpen: true))
            {
                encoder.Write(content);
            }

            byte[] frame = target.ToArray();
            Assert.Equal(content, Decompress(CompressionCodec.Lz4, frame));
            if (checksums)
            {
                frame[^1] ^= 1;
                Assert.Contains("checksum", Refusal(CompressionCodec.Lz4, frame, Cap), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Lz4BlocksThatDependOnEachOtherAreRefusedAsJavaClientsRefuseThem()
    {
        byte[] frame = Compress(CompressionCodec.Lz4, SampleRecords.Bytes(new Random(4), 100));
        frame[4] = 0x40;
        frame[6] = (byte)(System.IO.Hashing.XxHash32.HashToUInt32(frame.AsSpan(4, 2)) >> 8);
        Assert.Contains("depend on each other", Refusal(CompressionCodec.Lz4, frame, Cap), StringComparison.Ordinal);
    }

    [Fact]
    public void GzipMembersConcatenateAndTruncationIsFound()
    {
        byte[] content = SampleRecords.Bytes(new Random(5), 10_000);
        using var target = new MemoryStream();
        using (var gzip = new GZipStream(target, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(content);
        }

        byte[] member = target.ToArray();
        Assert.Equal([.. content, .. content], Decompress(CompressionCodec.Gzip, [.. member, .. member]));
        foreach (int cut in new[] { 0, 1, 5, 11, member.Length / 2, member.Length - 9, member.Length - 1 })
        {
            Refusal(CompressionCodec.Gzip, member[..cut], Cap);
        }
    }

    [Fact]
    public void TruncatedStreamsAreRefused()
    {
        byte[] content = SampleRecords.Bytes(new Random(6), 200_000);
        foreach (CompressionCodec codec in SampleRecords.Codecs[1..])
        {
            byte[] whole = Compress(codec, content);
            foreach (int cut in new[] { 0, 1, 3, 6, 18, whole.Length / 3, whole.Length / 2, whole.Length - 1 })
            {
                Refusal(codec, whole[..cut], Cap);
            }
        }
    }

    private static byte[] Compress(CompressionCodec codec, byte[] content)
    {
        using var buffer = new BoundedBuffer(int.MaxValue);
        RecordCompression.Compress(codec, null, content, buffer);
        return buffer.Span.ToArray();
    }

    private static byte[] Decompress(CompressionCodec codec, byte[] compressed)
    {
        using BoundedBuffer plain = RecordCompression.Decompress(codec, compressed, Cap);
        return plain.Span.ToArray();
    }

    private static string Refusal(CompressionCodec codec, byte[] compressed, int cap) =>
        Assert.Throws<InvalidRecordsException>(() => RecordCompression.Decompress(codec, compressed, cap).Dispose()).Message;
}
