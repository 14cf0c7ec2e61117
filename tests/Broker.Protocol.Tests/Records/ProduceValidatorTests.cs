using System.Buffers.Binary;
using Broker.Protocol.Records;
using Xunit.Abstractions;

namespace Broker.Protocol.Tests.Records;

public sealed class ProduceValidatorTests(ITestOutputHelper output)
{
    private const long Now = 1_700_000_010_000;

    private static readonly Sample[] Three = [new(Now - 10, "a"u8.ToArray(), [1]), new(Now - 5, "b"u8.ToArray(), [2]), new(Now - 5, "c"u8.ToArray(), null)];

    private static ProduceOptions Options => new() { FirstOffset = 1000, PartitionLeaderEpoch = 4, NowMs = Now };

    [Fact]
    public void KeptCodecIsPatchedInPlace()
    {
        foreach (CompressionCodec codec in SampleRecords.Codecs)
        {
            byte[] batch = SampleRecords.Batch(Three, new RecordBatchOptions { Codec = codec });
            using ProduceResult result = ProduceValidator.Validate(batch, Options);

            Assert.Equal((ErrorCode.None, false), (result.Error, result.IsConverted));
            Assert.True(result.Records.Span == batch.AsSpan());
            Assert.Equal((3, 1000L, 1002L, Now - 5, 1001L), (result.RecordCount, result.FirstOffset, result.LastOffset, result.MaxTimestamp, result.OffsetOfMaxTimestamp));
            AssertBatch(result, Three, codec, TimestampType.CreateTime);
        }
    }

    [Fact]
    public void LogAppendTimeReplacesTheTimestamps()
    {
        foreach (CompressionCodec codec in SampleRecords.Codecs)
        {
            byte[] batch = SampleRecords.Batch(Three, new RecordBatchOptions { Codec = codec });
            using ProduceResult result = ProduceValidator.Validate(batch, Options with { TimestampType = TimestampType.LogAppendTime });

            Assert.False(result.IsConverted);
            Assert.Equal((Now, 1000L), (result.MaxTimestamp, result.OffsetOfMaxTimestamp));
            AssertBatch(result, Three.Select(s => s with { TimestampMs = Now }), codec, TimestampType.LogAppendTime);
        }
    }

    [Fact]
    public void AnotherCodecIsCompressedAnewAndKeepsEverythingElse()
    {
        Random random = Seeds.Next(output);
        foreach (CompressionCodec from in SampleRecords.Codecs)
        {
            foreach (CompressionCodec to in SampleRecords.Codecs.Where(c => c != from))
            {
                Sample[] samples = SampleRecords.Some(random, 25);
                byte[] batch = SampleRecords.Batch(samples, new RecordBatchOptions { Codec = from, ProducerId = 7, ProducerEpoch = 1, BaseSequence = 30, IsTransactional = true });
                byte[] before = [.. batch];
                using ProduceResult result = ProduceValidator.Validate(batch, Options with { TargetCodec = to, Levels = new CompressionLevels(Gzip: 1, Lz4: 12, Zstd: 5) });

                Assert.True(result.IsConverted);
                Assert.Equal(before, batch);
                RecordBatchHeader header = AssertBatch(result, samples, to, TimestampType.CreateTime);
                Assert.Equal((7L, (short)1, 30, true), (header.ProducerId, header.ProducerEpoch, header.BaseSequence, header.IsTransactional));
            }
        }
    }

    [Fact]
    public void MaxTimestampThatLiesIsPutRight()
    {
        byte[] batch = SampleRecords.Batch(Three);
        RecordBatchPatch.SetMaxTimestamp(batch, Now + 1_000_000);
        using ProduceResult result = ProduceValidator.Validate(batch, Options);

        AssertBatch(result, Three, CompressionCodec.None, TimestampType.CreateTime);
    }

    [Fact]
    public void OffsetDeltasThatDoNotCountAreWrittenAnew()
    {
        foreach (CompressionCodec codec in SampleRecords.Codecs)
        {
            var builder = new RecordBatchBuilder(new RecordBatchOptions { Codec = codec });
            builder.AppendAt(0, Now, "a"u8, true, "1"u8, true);
            builder.AppendAt(5, Now, "b"u8, true, "2"u8, true);
            byte[] batch = builder.Build();
            BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(23), 1);
            RecordBatchPatch.UpdateCrc(batch);
            using ProduceResult result = ProduceValidator.Validate(batch, Options);

            Assert.True(result.IsConverted);
            AssertBatch(result, [new(Now, "a"u8.ToArray(), "1"u8.ToArray()), new(Now, "b"u8.ToArray(), "2"u8.ToArray())], codec, TimestampType.CreateTime);
        }
    }

    [Fact]
    public void OldMessagesBecomeOneBatch()
    {
        foreach (CompressionCodec codec in SampleRecords.LegacyCodecs)
        {
            for (byte magic = 0; magic < 2; magic++)
            {
                foreach (CompressionCodec? target in new CompressionCodec?[] { null, CompressionCodec.Zstd })
                {
                    byte[] set = SampleRecords.MessageSet(Three, magic, codec);
                    using ProduceResult result = ProduceValidator.Validate(set, Options with { TargetCodec = target });
                    using ProduceResult stamped = ProduceValidator.Validate(set, Options with { TargetCodec = target, TimestampType = TimestampType.LogAppendTime });

                    long oldest = magic;
                    Assert.Equal((codec, magic == 0 ? -1 : 1001L), (result.SourceCodec, result.OffsetOfMaxTimestamp));
                    AssertBatch(result, Three.Select(s => oldest == 0 ? s with { TimestampMs = -1 } : s), target ?? codec, TimestampType.CreateTime);
                    AssertBatch(stamped, Three.Select(s => s with { TimestampMs = Now }), target ?? codec, TimestampType.LogAppendTime);
                }
            }
        }
    }

    [Fact]
    public void NothingAndCutTails()
    {
        byte[] set = SampleRecords.MessageSet(Three, 1, CompressionCodec.None);
        using ProduceResult nothing = ProduceValidator.Validate(Memory<byte>.Empty, Options);
        using ProduceResult cut = ProduceValidator.Validate(set.AsMemory(0, set.Length - 1), Options);
        using ProduceResult tooShort = ProduceValidator.Validate(set.AsMemory(0, 20), Options);

        Assert.Equal((ErrorCode.None, 0, 0), (nothing.Error, nothing.RecordCount, nothing.Records.Length));
        Assert.Equal((ErrorCode.None, 2), (cut.Error, cut.RecordCount));
        Assert.Equal(ErrorCode.CorruptMessage, tooShort.Error);
    }

    public static TheoryData<string, ErrorCode, byte[], object> Refusals
    {
        get
        {
            byte[] control = RecordBatchBuilder.TransactionMarker(0, 0, 1, 0, true, 1, Now);
            return new()
            {
                { "a flipped bit", ErrorCode.CorruptMessage, Changed(b => b[^1] ^= 1, repair: false), Options },
                { "an unknown magic", ErrorCode.CorruptMessage, Changed(b => b[16] = 3), Options },
                { "a length below the header's", ErrorCode.CorruptMessage, Changed(b => b[11] = 20, repair: false), Options },
                { "codec 5", ErrorCode.UnsupportedCompressionType, Changed(b => b[22] = 5), Options },
                { "a base offset", ErrorCode.InvalidRecord, Changed(b => b[7] = 1), Options },
                { "no records", ErrorCode.InvalidRecord, Changed(b => b[60] = 0), Options },
                { "more records than offsets", ErrorCode.InvalidRecord, Changed(b => b[60] = 4), Options },
                { "a negative offset delta", ErrorCode.InvalidRecord, Changed(b => b[23] = 0x80), Options },
                { "a compressed flag on plain records", ErrorCode.InvalidRecord, Changed(b => b[22] = 1), Options },
                { "a producer id without sequence", ErrorCode.InvalidRecord, Changed(b => b.AsSpan(43, 8).Clear()), Options },
                { "a control batch of a client", ErrorCode.InvalidRecord, control, Options },
                { "two batches", ErrorCode.InvalidRecord, [.. SampleRecords.Batch(Three), .. SampleRecords.Batch(Three)], Options },
                { "a batch too large", ErrorCode.MessageTooLarge, SampleRecords.Batch(Three), Options with { MaxBatchBytes = 80 } },
                { "a message too large", ErrorCode.MessageTooLarge, SampleRecords.MessageSet(Three, 1, CompressionCodec.Gzip), Options with { MaxBatchBytes = 80 } },
                { "a conversion too large", ErrorCode.MessageTooLarge, SampleRecords.Batch(Zeroes(), new RecordBatchOptions { Codec = CompressionCodec.Gzip }), Options with { MaxBatchBytes = 1000, TargetCodec = CompressionCodec.None } },
                { "a bomb", ErrorCode.InvalidRecord, SampleRecords.Batch(Zeroes(), new RecordBatchOptions { Codec = CompressionCodec.Zstd }), Options with { MaxDecompressedBytes = 1000 } },
                { "mixed magics", ErrorCode.InvalidRecord, [.. SampleRecords.MessageSet(Three, 1, CompressionCodec.None), .. SampleRecords.MessageSet(Three, 0, CompressionCodec.None)], Options },
                { "two compressed messages", ErrorCode.InvalidRecord, [.. SampleRecords.MessageSet(Three, 1, CompressionCodec.Gzip), .. SampleRecords.MessageSet(Three, 1, CompressionCodec.Gzip)], Options },
                { "a broken old message", ErrorCode.CorruptMessage, Broken(SampleRecords.MessageSet(Three, 0, CompressionCodec.None)), Options },
                { "LogAppendTime set by a producer", ErrorCode.InvalidTimestamp, SampleRecords.Batch(Three, new RecordBatchOptions { TimestampType = TimestampType.LogAppendTime }), Options with { TimestampType = TimestampType.LogAppendTime } },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Refuses(string what, ErrorCode expected, byte[] records, object options)
    {
        byte[] before = [.. records];
        using ProduceResult result = ProduceValidator.Validate(records, (ProduceOptions)options);

        Assert.True(expected == result.Error, $"{what}: {result.Error} {result.Message}");
        Assert.False(string.IsNullOrEmpty(result.Message), what);
        Assert.Equal(before, records);
    }

    [Fact]
    public void RecordsWithoutKeyAreNamedInCompactedTopics()
    {
        Sample[] samples = [Three[0], new(Now, null, [1]), Three[1], new(Now, null, [1])];
        foreach (byte[] records in new[] { SampleRecords.Batch(samples), SampleRecords.MessageSet(samples, 1, CompressionCodec.Snappy) })
        {
            using ProduceResult result = ProduceValidator.Validate(records, Options with { IsCompacted = true });

            Assert.Equal(ErrorCode.InvalidRecord, result.Error);
            Assert.Equal([1, 3], result.Refused!.Select(r => r.Index));
            Assert.Contains("without key", result.Refused![0].Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(-1001, ErrorCode.InvalidTimestamp)]
    [InlineData(-1000, ErrorCode.None)]
    [InlineData(500, ErrorCode.None)]
    [InlineData(501, ErrorCode.InvalidTimestamp)]
    public void TimestampsMustLieWithinTheBounds(int distance, ErrorCode expected)
    {
        byte[] batch = SampleRecords.Batch([new(Now, null, [1]), new(Now + distance, null, [1])]);
        using ProduceResult result = ProduceValidator.Validate(batch, Options with { TimestampBeforeMaxMs = 1000, TimestampAfterMaxMs = 500 });

        Assert.Equal(expected, result.Error);
        Assert.Equal(expected == ErrorCode.None ? null : [1], result.Refused?.Select(r => r.Index));
    }

    [Fact]
    public void RecordsWithoutTimestampAndExtremeOnesDoNotOverflow()
    {
        foreach (long timestamp in new[] { -1, 0, long.MaxValue, long.MinValue })
        {
            byte[] batch = SampleRecords.Batch([new(timestamp, null, [1])]);
            using ProduceResult open = ProduceValidator.Validate(batch, Options);
            Assert.Equal(timestamp == long.MinValue ? ErrorCode.InvalidTimestamp : ErrorCode.None, open.Error);
        }
    }

    [Fact]
    public void ListOfRefusedRecordsIsBounded()
    {
        byte[] batch = SampleRecords.Batch(Enumerable.Range(0, 5_000).Select(_ => new Sample(Now, null, [])));
        using ProduceResult result = ProduceValidator.Validate(batch, Options with { IsCompacted = true });

        Assert.Equal(100, result.Refused!.Count);
        Assert.Contains("5000", result.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void CoordinatorMayWriteControlBatchesWhichStayUncompressed()
    {
        byte[] marker = RecordBatchBuilder.TransactionMarker(0, 0, 5, 1, commit: false, coordinatorEpoch: 3, Now);
        using ProduceResult result = ProduceValidator.Validate(marker, Options with { Origin = ProduceOrigin.Coordinator, TargetCodec = CompressionCodec.Zstd });

        Assert.Equal((ErrorCode.None, false), (result.Error, result.IsConverted));
        Assert.True(RecordBatchHeader.TryRead(result.Records.Span, out RecordBatchHeader header) && header.IsControl);
    }

    [Fact]
    public void UncompressedAppendsAllocateNothing()
    {
        byte[] batch = SampleRecords.Batch(SampleRecords.Some(new Random(1), 100));
        Append(batch);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            Append(batch);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void Append(byte[] batch)
    {
        using ProduceResult result = ProduceValidator.Validate(batch, Options with { Origin = ProduceOrigin.Coordinator, TimestampType = TimestampType.CreateTime });
        if (result.Error != ErrorCode.None)
        {
            throw new InvalidOperationException(result.Message);
        }
    }

    private static RecordBatchHeader AssertBatch(in ProduceResult result, IEnumerable<Sample> expected, CompressionCodec codec, TimestampType timestampType)
    {
        Assert.Equal((ErrorCode.None, null), (result.Error, result.Message));
        Assert.Equal(BatchDefect.None, RecordBatchValidator.Check(result.Records.Span, out RecordBatchHeader header));
        Assert.Equal((codec, timestampType, 4, result.Records.Length), (header.Codec, header.TimestampType, header.PartitionLeaderEpoch, header.SizeInBytes));
        Assert.Equal((result.FirstOffset, result.LastOffset, result.MaxTimestamp), (header.BaseOffset, header.LastOffset, header.MaxTimestamp));
        SampleRecords.AssertSame(expected, SampleRecords.Read(result.Records.Span), 1000);
        return header;
    }

    private static byte[] Changed(Action<byte[]> change, bool repair = true)
    {
        byte[] batch = SampleRecords.Batch(Three);
        change(batch);
        if (repair)
        {
            RecordBatchPatch.UpdateCrc(batch);
        }

        return batch;
    }

    private static byte[] Broken(byte[] bytes)
    {
        bytes[^1] ^= 1;
        return bytes;
    }

    private static Sample[] Zeroes() => [new(Now, null, new byte[10_000])];
}
