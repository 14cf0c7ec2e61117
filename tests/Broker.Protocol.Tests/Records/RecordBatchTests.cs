using Broker.Protocol.Records;
using Xunit.Abstractions;
using Record = Broker.Protocol.Records.Record;

namespace Broker.Protocol.Tests.Records;

public sealed class RecordBatchTests(ITestOutputHelper output)
{
    /// <summary>Written by hand from the format's table: one record at 1000 ms, key k, value v, header h=x.</summary>
    private const string Golden =
        "00000000000000000000003effffffff0285d4936f00000000000000000000000003e800000000000003e8ffffffffffffffffffffffffffff0000000118000000026b027602026802" + "78";

    [Fact]
    public void BuilderWritesTheGoldenBytes()
    {
        byte[] batch = SampleRecords.Batch([new Sample(1000, "k"u8.ToArray(), "v"u8.ToArray(), new RecordHeader("h", "x"u8.ToArray()))]);

        Assert.Equal(Golden, Convert.ToHexStringLower(batch));
        Assert.Equal(BatchDefect.None, RecordBatchValidator.Check(batch, out _));
    }

    [Fact]
    public void HeaderReadsTheGoldenBytes()
    {
        Assert.True(RecordBatchHeader.TryRead(Convert.FromHexString(Golden), out RecordBatchHeader header));

        Assert.Equal((0L, 62, 74, -1, (byte)2, 0x85d4936fu), (header.BaseOffset, header.BatchLength, header.SizeInBytes, header.PartitionLeaderEpoch, header.Magic, header.Crc));
        Assert.Equal((0, 0L, 1000L, 1000L, 1), (header.LastOffsetDelta, header.LastOffset, header.BaseTimestamp, header.MaxTimestamp, header.RecordCount));
        Assert.Equal((-1L, (short)-1, -1, -1, -1L), (header.ProducerId, header.ProducerEpoch, header.BaseSequence, header.LastSequence, header.DeleteHorizonMs));
        Assert.False(header.IsControl || header.IsTransactional || header.HasProducerId || header.HasDeleteHorizon);
    }

    [Fact]
    public void EveryCodecRoundTrips()
    {
        Random random = Seeds.Next(output);
        foreach (CompressionCodec codec in SampleRecords.Codecs)
        {
            for (int round = 0; round < 20; round++)
            {
                Sample[] samples = SampleRecords.Some(random, random.Next(1, 200));
                byte[] batch = SampleRecords.Batch(samples, new RecordBatchOptions { BaseOffset = 77, Codec = codec, ProducerId = 5, ProducerEpoch = 2, BaseSequence = int.MaxValue - 1 });

                SampleRecords.AssertSame(samples, SampleRecords.Read(batch), 77);
                Assert.Equal(BatchDefect.None, RecordBatchValidator.Check(batch, out RecordBatchHeader header));
                Assert.Equal((codec, samples.Length, samples.Max(s => s.TimestampMs)), (header.Codec, header.RecordCount, header.MaxTimestamp));
            }
        }
    }

    [Fact]
    public void SequencesWrapToZero()
    {
        byte[] batch = SampleRecords.Batch(
            Enumerable.Range(0, 3).Select(_ => new Sample(1, null, null)), new RecordBatchOptions { ProducerId = 1, ProducerEpoch = 0, BaseSequence = int.MaxValue - 1 });
        Assert.True(RecordBatchHeader.TryRead(batch, out RecordBatchHeader header));
        var sequences = new List<int>();
        using var reader = new RecordBatchReader(batch);
        while (reader.MoveNext(out Record record))
        {
            sequences.Add(record.Sequence);
        }

        Assert.Equal([int.MaxValue - 1, int.MaxValue, 0], sequences);
        Assert.Equal(0, header.LastSequence);
    }

    [Fact]
    public void TransactionMarkerIsAControlBatchWithOneRecord()
    {
        byte[] batch = RecordBatchBuilder.TransactionMarker(9, 3, producerId: 44, producerEpoch: 6, commit: true, coordinatorEpoch: 12, timestampMs: 5);

        Assert.True(RecordBatchHeader.TryRead(batch, out RecordBatchHeader header));
        Assert.True(header.IsControl && header.IsTransactional && RecordBatchHeader.HasValidCrc(batch));
        Assert.Equal((9L, 3, 44L, (short)6, -1), (header.BaseOffset, header.PartitionLeaderEpoch, header.ProducerId, header.ProducerEpoch, header.BaseSequence));
        (long offset, Sample record) = Assert.Single(SampleRecords.Read(batch));
        Assert.Equal((9L, "00000001", "00000000000C"), (offset, Convert.ToHexString(record.Key!), Convert.ToHexString(record.Value!)));
    }

    [Fact]
    public void CoordinatorBatchHoldsItsPairs()
    {
        byte[] batch = RecordBatchBuilder.Build([new("k"u8.ToArray(), "v"u8.ToArray()), new("gone"u8.ToArray(), null)], timestampMs: 8);

        SampleRecords.AssertSame([new Sample(8, "k"u8.ToArray(), "v"u8.ToArray()), new Sample(8, "gone"u8.ToArray(), null)], SampleRecords.Read(batch));
    }

    [Fact]
    public void PatchesKeepTheChecksumRight()
    {
        byte[] batch = SampleRecords.Batch([new Sample(1000, null, "v"u8.ToArray()), new Sample(3000, null, null)]);

        RecordBatchPatch.SetBaseOffset(batch, 500);
        RecordBatchPatch.SetPartitionLeaderEpoch(batch, 7);
        Assert.True(RecordBatchHeader.HasValidCrc(batch));
        RecordBatchPatch.SetLogAppendTime(batch, 9999);

        Assert.True(RecordBatchHeader.HasValidCrc(batch));
        Assert.Equal([(500L, 9999L), (501L, 9999L)], SampleRecords.Read(batch).Select(r => (r.Offset, r.Record.TimestampMs)));
        RecordBatchPatch.SetTimestamps(batch, TimestampType.CreateTime, 3000);
        Assert.True(RecordBatchHeader.HasValidCrc(batch));
        Assert.Equal([1000L, 3000L], SampleRecords.Read(batch).Select(r => r.Record.TimestampMs));
    }

    [Fact]
    public void EveryFlippedBitUnderTheChecksumIsFound()
    {
        Random random = Seeds.Next(output);
        byte[] batch = SampleRecords.Batch(SampleRecords.Some(random, 5));
        for (int position = 16; position < batch.Length; position++)
        {
            for (int bit = 0; bit < 8; bit++)
            {
                batch[position] ^= (byte)(1 << bit);
                Assert.NotEqual(BatchDefect.None, RecordBatchValidator.Check(batch, out _));
                batch[position] ^= (byte)(1 << bit);
            }
        }
    }

    [Fact]
    public void CompactedAndEmptyBatchesAreSound()
    {
        var builder = new RecordBatchBuilder(new RecordBatchOptions { BaseOffset = 10 });
        builder.AppendAt(2, 5, "a"u8, hasKey: true, default, hasValue: false);
        builder.AppendAt(6, 6, "b"u8, hasKey: true, default, hasValue: false);
        byte[] thinned = builder.Build();
        byte[] empty = new RecordBatchBuilder(new RecordBatchOptions { Codec = CompressionCodec.None, BaseOffset = 3 }).Build();

        Assert.Equal([12L, 16L], SampleRecords.Read(thinned).Select(r => r.Offset));
        Assert.Equal(BatchDefect.None, RecordBatchValidator.Check(thinned, out _));
        Assert.Empty(SampleRecords.Read(empty));
        Assert.Equal(BatchDefect.None, RecordBatchValidator.Check(empty, out _));
    }

    [Fact]
    public void ReadingAnUncompressedBatchAllocatesNothing()
    {
        byte[] batch = SampleRecords.Batch(Enumerable.Range(0, 100).Select(i => new Sample(i, [1], [2, 3], new RecordHeader("h", [4]))));
        long sum = SumOffsets(batch);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            sum += SumOffsets(batch);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(101 * 4950, sum);
    }

    private static long SumOffsets(byte[] batch)
    {
        long sum = 0;
        using var reader = new RecordBatchReader(batch);
        while (reader.MoveNext(out Record record))
        {
            sum += record.Offset;
        }

        return sum;
    }
}
