using Broker.Protocol.Records;
using Xunit.Abstractions;
using Record = Broker.Protocol.Records.Record;

namespace Broker.Protocol.Tests.Records;

/// <summary>Bytes that lie: whatever is done to a batch, reading it ends with InvalidRecordsException or records, within the budget.</summary>
public sealed class HostileRecordsTests(ITestOutputHelper output)
{
    private const int Budget = 1 << 20;

    [Fact]
    public void MutatedBatchesNeverBreakOut()
    {
        Random random = Seeds.Next(output);
        foreach (CompressionCodec codec in SampleRecords.Codecs)
        {
            byte[] original = SampleRecords.Batch(SampleRecords.Some(random, 20), new RecordBatchOptions { Codec = codec });
            for (int round = 0; round < 2_000; round++)
            {
                byte[] mutated = Mutate(random, original, from: 16);
                Guard(codec, mutated, bytes =>
                {
                    using var reader = new RecordBatchReader(bytes, Budget);
                    while (reader.MoveNext(out Record record))
                    {
                        var headers = new RecordHeaderCursor(record);
                        while (headers.MoveNext(out _, out _, out _))
                        {
                        }
                    }
                });
            }
        }
    }

    [Fact]
    public void MutatedStreamsNeverBreakOut()
    {
        Random random = Seeds.Next(output);
        foreach (CompressionCodec codec in SampleRecords.Codecs[1..])
        {
            using var compressed = new BoundedBuffer(int.MaxValue);
            RecordCompression.Compress(codec, null, SampleRecords.Bytes(random, 70_000), compressed);
            byte[] original = compressed.Span.ToArray();
            for (int round = 0; round < 1_000; round++)
            {
                Guard(codec, Mutate(random, original, from: 0), bytes => RecordCompression.Decompress(codec, bytes, Budget).Dispose());
                Guard(codec, SampleRecords.Bytes(random, random.Next(100)), bytes => RecordCompression.Decompress(codec, bytes, Budget).Dispose());
            }
        }
    }

    [Fact]
    public void MutatedMessageSetsNeverBreakOut()
    {
        Random random = Seeds.Next(output);
        for (byte magic = 0; magic < 2; magic++)
        {
            foreach (CompressionCodec codec in SampleRecords.LegacyCodecs)
            {
                byte[] original = SampleRecords.MessageSet(SampleRecords.Some(random, 10), magic, codec);
                for (int round = 0; round < 1_000; round++)
                {
                    byte[] mutated = Mutate(random, original, from: 0);
                    RepairCrc(mutated);
                    Guard(codec, mutated, bytes =>
                    {
                        using var reader = new LegacyMessageSetReader(bytes, Budget);
                        while (reader.MoveNext(out _))
                        {
                        }
                    });
                    Guard(codec, mutated, bytes => RecordConversion.DownConvert(bytes, 0, 0, Budget));
                }
            }
        }
    }

    [Fact]
    public void MutatedProducesNeverThrow()
    {
        Random random = Seeds.Next(output);
        var options = new ProduceOptions { NowMs = 1_700_000_000_000, MaxDecompressedBytes = Budget, IsCompacted = true };
        foreach (CompressionCodec codec in SampleRecords.Codecs)
        {
            byte[] batch = SampleRecords.Batch(SampleRecords.Some(random, 10), new RecordBatchOptions { Codec = codec });
            byte[] messages = SampleRecords.MessageSet(SampleRecords.Some(random, 10), 1, codec == CompressionCodec.Zstd ? CompressionCodec.None : codec);
            for (int round = 0; round < 1_000; round++)
            {
                byte[] mutated = Mutate(random, random.Next(2) == 0 ? batch : messages, from: 8);
                RepairCrc(mutated);
                ProduceOptions asked = options with { TargetCodec = random.Next(2) == 0 ? null : SampleRecords.Codecs[random.Next(5)], TimestampType = (TimestampType)random.Next(2) };
                using ProduceResult result = ProduceValidator.Validate(mutated, asked);
                if (result.Error == ErrorCode.None && result.RecordCount > 0)
                {
                    Assert.Equal(BatchDefect.None, RecordBatchValidator.Check(result.Records.Span, out RecordBatchHeader header));
                    Assert.Equal(result.RecordCount, header.RecordCount);
                    Assert.Equal(result.RecordCount, SampleRecords.Read(result.Records.Span).Count);
                }
            }
        }
    }

    [Theory]
    [InlineData(0x7FFFFFFF)]
    [InlineData(-1)]
    [InlineData(2)]
    [InlineData(0)]
    public void RecordCountThatLiesIsFound(int count)
    {
        byte[] batch = SampleRecords.Batch([new Sample(1, null, [1]), new Sample(1, null, [1]), new Sample(1, null, [1])]);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(57), count);
        RecordBatchPatch.UpdateCrc(batch);
        using ProduceResult result = ProduceValidator.Validate(batch, new ProduceOptions());

        Assert.Equal(ErrorCode.InvalidRecord, result.Error);
        if (count != 0)
        {
            Assert.Throws<InvalidRecordsException>(() => SampleRecords.Read(batch));
        }
    }

    [Theory]
    [InlineData("0E000000010200", "a record that has no room for its header count")]
    [InlineData("FFFFFFFFFF7F", "a length that is no varint")]
    [InlineData("0C0000000101", "a record that ends in the middle")]
    [InlineData("0C00000001018000", "a header count that is larger than the record")]
    [InlineData("0C0000000301" + "00", "a key of less than null")]
    [InlineData("100000000101FEFFFF07", "more headers than bytes")]
    [InlineData("0C00000001010000", "bytes after the last record")]
    public void BrokenRecordsAreRefused(string recordHex, string what)
    {
        byte[] batch = [.. SampleRecords.Batch([new Sample(1, null, null)]).AsSpan(0, RecordBatchHeader.Size), .. Convert.FromHexString(recordHex)];
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(8), batch.Length - 12);
        RecordBatchPatch.UpdateCrc(batch);
        output.WriteLine(what);

        Assert.Throws<InvalidRecordsException>(() => SampleRecords.Read(batch));
    }

    private static byte[] Mutate(Random random, byte[] original, int from)
    {
        byte[] mutated = [.. original];
        int changes = random.Next(1, 5);
        for (int i = 0; i < changes; i++)
        {
            int position = random.Next(Math.Min(from, mutated.Length - 1), mutated.Length);
            mutated[position] = random.Next(4) switch
            {
                0 => (byte)(mutated[position] ^ (1 << random.Next(8))),
                1 => 0xFF,
                2 => 0,
                _ => (byte)random.Next(256),
            };
        }

        return random.Next(8) == 0 ? mutated[..random.Next(1, mutated.Length)] : mutated;
    }

    /// <summary>A liar sends right checksums.</summary>
    private static void RepairCrc(byte[] bytes)
    {
        if (RecordBatchScanner.Measure(bytes, out int size) != BatchDefect.None)
        {
            return;
        }

        if (bytes[16] == 2)
        {
            RecordBatchPatch.UpdateCrc(bytes.AsSpan(0, size));
        }
        else
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(12), System.IO.Hashing.Crc32.HashToUInt32(bytes.AsSpan(16, size - 16)));
        }
    }

    private static void Guard(CompressionCodec codec, byte[] bytes, Action<byte[]> read)
    {
        try
        {
            read(bytes);
        }
        catch (Exception e) when (e is not InvalidRecordsException)
        {
            Assert.Fail($"{codec}: {e.GetType().Name} for {Convert.ToHexString(bytes)}: {e}");
        }
        catch (InvalidRecordsException)
        {
            // The only way to fail.
        }
    }
}
