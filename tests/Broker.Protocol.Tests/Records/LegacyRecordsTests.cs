using Broker.Protocol.Records;
using Xunit.Abstractions;

namespace Broker.Protocol.Tests.Records;

public sealed class LegacyRecordsTests(ITestOutputHelper output)
{
    private const string GoldenV1 = "000000000000000700000018e4e321bc010000000000000003e8000000016b0000000176";
    private const string GoldenV0 = "00000000000000070000000fd20cbff50000ffffffff0000000176";

    [Fact]
    public void GoldenBytesBothWays()
    {
        var v1 = new Sample(1000, "k"u8.ToArray(), "v"u8.ToArray());
        var v0 = new Sample(-1, null, "v"u8.ToArray());

        Assert.Equal(GoldenV1, Convert.ToHexStringLower(SampleRecords.MessageSet([v1], 1, CompressionCodec.None, 7)));
        Assert.Equal(GoldenV0, Convert.ToHexStringLower(SampleRecords.MessageSet([v0], 0, CompressionCodec.None, 7)));
        SampleRecords.AssertSame([v1], SampleRecords.ReadMessages(Convert.FromHexString(GoldenV1)), 7);
        SampleRecords.AssertSame([v0], SampleRecords.ReadMessages(Convert.FromHexString(GoldenV0)), 7);
    }

    [Fact]
    public void EveryMagicAndCodecRoundTrips()
    {
        Random random = Seeds.Next(output);
        for (byte magic = 0; magic < 2; magic++)
        {
            foreach (CompressionCodec codec in SampleRecords.LegacyCodecs)
            {
                Sample[] samples = SampleRecords.Some(random, random.Next(1, 50), withHeaders: false);
                byte[] set = SampleRecords.MessageSet(samples, magic, codec, 1234);

                SampleRecords.AssertSame(samples.Select(s => magic == 0 ? s with { TimestampMs = -1 } : s), SampleRecords.ReadMessages(set), 1234);
            }
        }
    }

    [Fact]
    public void WrapperOfMagic1CountsItsInnerOffsetsFromZero()
    {
        Sample[] samples = [new(5, null, [1]), new(9, null, [2]), new(7, null, [3])];
        byte[] set = SampleRecords.MessageSet(samples, 1, CompressionCodec.Snappy, 100);
        LegacyMessage wrapper = LegacyMessage.Read(set);
        using BoundedBuffer inner = RecordCompression.Decompress(wrapper.Codec, wrapper.Value, 1000);

        Assert.Equal((102L, 9L, CompressionCodec.Snappy, false), (wrapper.Offset, wrapper.Timestamp, wrapper.Codec, wrapper.HasKey));
        SampleRecords.AssertSame(samples, SampleRecords.ReadMessages(inner.Span), 0);
    }

    [Fact]
    public void WrapperOfMagic0KeepsAbsoluteOffsetsAndTheOldLz4Checksum()
    {
        byte[] set = SampleRecords.MessageSet([new(-1, null, [1]), new(-1, null, [2])], 0, CompressionCodec.Lz4, 100);
        LegacyMessage wrapper = LegacyMessage.Read(set);
        byte[] value = wrapper.Value.ToArray();
        using BoundedBuffer inner = RecordCompression.Decompress(CompressionCodec.Lz4, value, 1000, legacyLz4Checksum: true);

        Assert.Throws<InvalidRecordsException>(() => RecordCompression.Decompress(CompressionCodec.Lz4, value, 1000).Dispose());
        Assert.Equal([100L, 101L], SampleRecords.ReadMessages(inner.Span).Select(r => r.Offset));
    }

    [Fact]
    public void LogAppendTimeOfTheWrapperIsThatOfItsRecords()
    {
        var builder = new LegacyMessageSetBuilder(1, CompressionCodec.Gzip, TimestampType.LogAppendTime, 777);
        builder.Append(0, 1, null, [1]);
        builder.Append(1, 2, null, [2]);

        Assert.Equal([777L, 777L], SampleRecords.ReadMessages(builder.Build()).Select(r => r.Record.TimestampMs));
    }

    [Fact]
    public void MessageCutShortAtTheEndIsLeftOut()
    {
        byte[] set = SampleRecords.MessageSet([new(1, null, [1]), new(2, null, [2])], 1, CompressionCodec.None);

        Assert.Single(SampleRecords.ReadMessages(set.AsSpan(0, set.Length - 1)));
    }

    [Fact]
    public void FlippedBitsAreFound()
    {
        foreach (CompressionCodec codec in SampleRecords.LegacyCodecs)
        {
            byte[] set = SampleRecords.MessageSet([new(1, [9], [1, 2, 3])], 1, codec);
            for (int position = 12; position < set.Length; position++)
            {
                set[position] ^= 0x10;
                Assert.Throws<InvalidRecordsException>(() => SampleRecords.ReadMessages(set));
                set[position] ^= 0x10;
            }
        }
    }

    [Fact]
    public void CompressedWithinCompressedIsRefused()
    {
        byte[] inner = SampleRecords.MessageSet([new(1, null, [1])], 1, CompressionCodec.Gzip);
        using var compressed = new BoundedBuffer(int.MaxValue);
        RecordCompression.Compress(CompressionCodec.Gzip, null, inner, compressed);
        using var wrapper = new BoundedBuffer(int.MaxValue);
        LegacyMessage.Write(wrapper, 0, 1, CompressionCodec.Gzip, TimestampType.CreateTime, 1, default, false, compressed.Span, true);
        byte[] bomb = wrapper.Span.ToArray();

        Assert.Throws<InvalidRecordsException>(() => SampleRecords.ReadMessages(bomb));
    }
}
