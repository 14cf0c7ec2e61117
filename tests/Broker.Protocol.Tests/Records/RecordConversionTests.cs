using Broker.Protocol.Records;
using Xunit.Abstractions;

namespace Broker.Protocol.Tests.Records;

public sealed class RecordConversionTests(ITestOutputHelper output)
{
    [Fact]
    public void DownConversionKeepsKeysValuesTimestampsAndCodec()
    {
        Random random = Seeds.Next(output);
        for (byte magic = 0; magic < 2; magic++)
        {
            foreach (CompressionCodec codec in SampleRecords.LegacyCodecs)
            {
                Sample[] samples = SampleRecords.Some(random, 30);
                byte[] batch = SampleRecords.Batch(samples, new RecordBatchOptions { BaseOffset = 50, Codec = codec });
                DownConversionResult result = RecordConversion.DownConvert(batch, magic, firstOffset: 0);

                Assert.Equal((ErrorCode.None, 80L), (result.Error, result.NextOffset));
                Assert.Equal(codec, LegacyMessage.Read(First(result.Records.Span)).Codec);
                SampleRecords.AssertSame(
                    samples.Select(s => magic == 0 ? s.WithoutHeaders() with { TimestampMs = -1 } : s.WithoutHeaders()), SampleRecords.ReadMessages(result.Records.Span), 50);
            }
        }
    }

    [Fact]
    public void DownConversionStartsAtTheOffsetAskedForWhenUncompressed()
    {
        Sample[] samples = [new(1, null, [1]), new(2, null, [2]), new(3, null, [3])];

        Assert.Equal([12L], Offsets(CompressionCodec.None));
        Assert.Equal([10L, 11L, 12L], Offsets(CompressionCodec.Lz4));

        IEnumerable<long> Offsets(CompressionCodec codec)
        {
            byte[] batch = SampleRecords.Batch(samples, new RecordBatchOptions { BaseOffset = 10, Codec = codec });
            return SampleRecords.ReadMessages(RecordConversion.DownConvert(batch, 1, 12).Records.Span).Select(r => r.Offset);
        }
    }

    [Fact]
    public void DownConversionSkipsControlBatchesAndTheCutTail()
    {
        byte[] data = SampleRecords.Batch([new(1, null, [1])], new RecordBatchOptions { BaseOffset = 0 });
        byte[] marker = RecordBatchBuilder.TransactionMarker(1, 0, 5, 0, commit: true, 1, 2);
        byte[] more = SampleRecords.Batch([new(1, null, [1])], new RecordBatchOptions { BaseOffset = 2 });

        DownConversionResult result = RecordConversion.DownConvert([.. data, .. marker, .. more.AsSpan(0, more.Length - 1)], 1, 0);
        DownConversionResult onlyMarker = RecordConversion.DownConvert(marker, 1, 0);

        Assert.Equal((ErrorCode.None, 2L), (result.Error, result.NextOffset));
        Assert.Equal([0L], SampleRecords.ReadMessages(result.Records.Span).Select(r => r.Offset));
        Assert.Equal((0, 2L), (onlyMarker.Records.Length, onlyMarker.NextOffset));
    }

    [Fact]
    public void DownConversionOfZstdIsRefusedUnlessSomethingComesBefore()
    {
        byte[] plain = SampleRecords.Batch([new(1, null, [1])], new RecordBatchOptions { BaseOffset = 0 });
        byte[] zstd = SampleRecords.Batch([new(1, null, [1])], new RecordBatchOptions { BaseOffset = 1, Codec = CompressionCodec.Zstd });

        Assert.Equal(ErrorCode.UnsupportedCompressionType, RecordConversion.DownConvert(zstd, 1, 1).Error);
        DownConversionResult both = RecordConversion.DownConvert([.. plain, .. zstd], 1, 0);
        Assert.Equal((ErrorCode.None, 1L, 1), (both.Error, both.NextOffset, SampleRecords.ReadMessages(both.Records.Span).Count));
    }

    [Fact]
    public void DownConversionKeepsLogAppendTime()
    {
        byte[] batch = SampleRecords.Batch([new(1, null, [1])], new RecordBatchOptions { TimestampType = TimestampType.LogAppendTime, LogAppendTimeMs = 555 });
        byte[] converted = RecordConversion.DownConvert(batch, 1, 0).Records.ToArray();
        LegacyMessage message = LegacyMessage.Read(converted);

        Assert.Equal((555L, TimestampType.LogAppendTime), (message.Timestamp, message.TimestampType));
    }

    [Fact]
    public void OldMessagesStayAsTheyAreOrLoseTheirTimestamp()
    {
        Sample[] samples = [new(1, [1], [1]), new(2, null, null)];
        foreach (CompressionCodec codec in SampleRecords.LegacyCodecs)
        {
            byte[] v1 = SampleRecords.MessageSet(samples, 1, codec, 5);

            Assert.Equal(v1, RecordConversion.DownConvert(v1, 1, 5).Records.ToArray());
            SampleRecords.AssertSame(
                samples.Select(s => s with { TimestampMs = -1 }), SampleRecords.ReadMessages(RecordConversion.DownConvert(v1, 0, 5).Records.Span), 5);
        }
    }

    [Fact]
    public void UpConversionMakesOneBatch()
    {
        Random random = Seeds.Next(output);
        for (byte magic = 0; magic < 2; magic++)
        {
            foreach (CompressionCodec codec in SampleRecords.LegacyCodecs)
            {
                Sample[] samples = SampleRecords.Some(random, 20, withHeaders: false);
                byte[] batch = RecordConversion.UpConvert(SampleRecords.MessageSet(samples, magic, codec), 900, codec);

                Assert.Equal(BatchDefect.None, RecordBatchValidator.Check(batch, out RecordBatchHeader header));
                Assert.Equal((codec, batch.Length), (header.Codec, header.SizeInBytes));
                SampleRecords.AssertSame(samples.Select(s => magic == 0 ? s with { TimestampMs = -1 } : s), SampleRecords.Read(batch), 900);
            }
        }
    }

    private static ReadOnlySpan<byte> First(ReadOnlySpan<byte> set)
    {
        Assert.Equal(BatchDefect.None, RecordBatchScanner.Measure(set, out int size));
        return set[..size];
    }
}
