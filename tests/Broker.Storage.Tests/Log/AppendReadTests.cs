using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

public class AppendReadTests
{
    [Fact]
    public void Appended_batches_get_offsets_and_epoch_in_place_and_read_back()
    {
        using LogRig rig = new();
        AppendResult one = rig.Append(Batches.Of("a", "b"), leaderEpoch: 3);
        AppendResult two = rig.Append(Batches.Of("c"), leaderEpoch: 3);

        Assert.Equal((ErrorCode.None, 0L, 1L, -1L, false), (one.Error, one.BaseOffset, one.LastOffset, one.LogAppendTimeMs, one.IsDuplicate));
        Assert.Equal((2L, 2L), (two.BaseOffset, two.LastOffset));
        Assert.Equal([(0L, "a"), (1L, "b"), (2L, "c")], LogReader.Records(rig.Log, 0));
        Assert.Equal(3, rig.Log.LatestLeaderEpoch);
        Assert.Equal(rig.Log.SizeInBytes, new FileInfo(Path.Combine(rig.PartitionPath, "00000000000000000000.log")).Length);
        LogConsistency.Check(rig.Log);
    }

    [Fact]
    public void A_read_starts_at_the_batch_that_holds_the_offset_and_ends_at_the_upper_bound()
    {
        using LogRig rig = new();
        byte[][] batches = [Batches.Of("a", "b", "c"), Batches.Of("d"), Batches.Of("e")];
        foreach (byte[] batch in batches)
        {
            rig.Append(batch);
        }

        Assert.Equal(batches[0].Length, rig.Log.Read(1, int.MaxValue, true, upperBound: 3).Slice.Length);
        Assert.Equal(batches[0].Length + batches[1].Length, rig.Log.Read(2, int.MaxValue, true, upperBound: 4).Slice.Length);
        Assert.Equal(batches[0].Length, rig.Log.Read(3, int.MaxValue, true, upperBound: 5).Slice.Position);
        Assert.Equal(0, rig.Log.Read(5, int.MaxValue, true, upperBound: 5).Slice.Length);
        Assert.Equal(ErrorCode.OffsetOutOfRange, rig.Log.Read(6, int.MaxValue, true, long.MaxValue).Error);
        Assert.Equal(ErrorCode.OffsetOutOfRange, rig.Log.Read(-1, int.MaxValue, true, long.MaxValue).Error);
    }

    [Fact]
    public void Max_bytes_cuts_the_last_batch_but_the_first_is_whole_when_asked()
    {
        using LogRig rig = new();
        int size = Batches.Of("a").Length;
        rig.Append(Batches.Of("a"));
        rig.Append(Batches.Of("b"));

        Assert.Equal(size + 5, rig.Log.Read(0, size + 5, true, long.MaxValue).Slice.Length);
        Assert.Equal(size, rig.Log.Read(0, 1, minOneBatch: true, long.MaxValue).Slice.Length);
        Assert.Equal(1, rig.Log.Read(0, 1, minOneBatch: false, long.MaxValue).Slice.Length);
        Assert.Equal(0, rig.Log.Read(0, 0, minOneBatch: false, long.MaxValue).Slice.Length);
    }

    [Fact]
    public void Segments_roll_by_size_and_reads_stay_within_one()
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "1000")));
        byte[] batch = Batches.OfSize(400);
        for (int i = 0; i < 5; i++)
        {
            rig.Append([.. batch]);
        }

        Assert.Equal([0L, 2L, 4L], rig.Log.Segments.Select(s => s.BaseOffset));
        Assert.Equal(batch.Length * 2, rig.Log.Read(0, int.MaxValue, true, long.MaxValue).Slice.Length);
        Assert.Equal(batch.Length, rig.Log.Read(1, int.MaxValue, true, long.MaxValue).Slice.Length);
        Assert.Equal(batch.Length, rig.Log.Read(4, int.MaxValue, true, long.MaxValue).Slice.Length);
        LogConsistency.Check(rig.Log);
    }

    [Theory]
    [InlineData(1001, 2)]
    [InlineData(1000, 1)]
    public void Segments_roll_by_the_records_own_time(int laterMs, int expected)
    {
        using LogRig rig = new(LogRig.Topic(("segment.ms", "1000")));
        rig.Append(Batches.At(Batches.Now, "a"));
        rig.Append(Batches.At(Batches.Now + laterMs, "b"));

        Assert.Equal(expected, rig.Log.Segments.Length);
    }

    [Fact]
    public void Too_large_batches_are_refused_and_nothing_changes()
    {
        using LogRig rig = new(LogRig.Topic(("max.message.bytes", "100")));
        AppendResult result = rig.Append(Batches.OfSize(200));

        Assert.Equal((ErrorCode.MessageTooLarge, -1L), (result.Error, result.BaseOffset));
        Assert.Equal(0, rig.Log.LogEndOffset);
    }

    [Fact]
    public void A_batch_larger_than_a_segment_is_refused()
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "100")));
        Assert.Equal(ErrorCode.RecordListTooLarge, rig.Append(Batches.OfSize(200)).Error);
    }

    [Fact]
    public void Every_flipped_bit_behind_the_crc_is_refused()
    {
        using LogRig rig = new();
        byte[] good = Batches.Of("value");
        for (int bit = 17 * 8; bit < good.Length * 8; bit++)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(ErrorCode.CorruptMessage, rig.Append(bad).Error);
        }

        Assert.Equal(0, rig.Log.LogEndOffset);
    }

    [Fact]
    public void Log_append_time_is_the_brokers()
    {
        using LogRig rig = new(LogRig.Topic(("message.timestamp.type", "LogAppendTime")));
        rig.Clock.Advance(TimeSpan.FromSeconds(5));
        AppendResult result = rig.Append(Batches.At(1, "a"));

        Assert.Equal(Batches.Now + 5000, result.LogAppendTimeMs);
        byte[] stored = LogReader.Bytes(rig.Log.Read(0, int.MaxValue, true, long.MaxValue));
        Assert.True(RecordBatchHeader.TryRead(stored, out RecordBatchHeader header));
        Assert.Equal((TimestampType.LogAppendTime, Batches.Now + 5000), (header.TimestampType, header.MaxTimestamp));
        Assert.True(RecordBatchHeader.HasValidCrc(stored));
    }

    [Fact]
    public void High_watermark_moves_forward_within_the_log_only()
    {
        using LogRig rig = new();
        rig.Log.AppendAsLeader(Batches.Of("a", "b"), 0, AppendOrigin.Client);

        rig.Log.AdvanceHighWatermark(1);
        rig.Log.AdvanceHighWatermark(0);
        Assert.Equal((1L, 1L), (rig.Log.HighWatermark, rig.Log.LastStableOffset));
        rig.Log.AdvanceHighWatermark(10);
        Assert.Equal(2, rig.Log.HighWatermark);
    }

    [Fact]
    public void Epochs_know_where_they_start_and_end()
    {
        using LogRig rig = new();
        rig.Log.BecomeLeader(1);
        rig.Append(Batches.Of("a", "b"), leaderEpoch: 1);
        rig.Log.BecomeLeader(4);
        rig.Append(Batches.Of("c"), leaderEpoch: 4);

        foreach (bool isReopened in (bool[])[false, true])
        {
            if (isReopened)
            {
                rig.Restart();
            }

            PartitionLog log = rig.Log;
            Assert.Equal((0, 0L), log.EndOffsetForEpoch(0));
            Assert.Equal((1, 2L), log.EndOffsetForEpoch(1));
            Assert.Equal((1, 2L), log.EndOffsetForEpoch(2));
            Assert.Equal((4, 3L), log.EndOffsetForEpoch(4));
            Assert.Equal((-1, -1L), log.EndOffsetForEpoch(5));
            Assert.Equal((-1, -1L), log.EndOffsetForEpoch(-1));
            Assert.Equal((1, 4), (log.EpochForOffset(1), log.EpochForOffset(2)));
        }
    }

    [Fact]
    public void Appends_and_reads_allocate_next_to_nothing()
    {
        using LogRig rig = new();
        PartitionLog log = rig.Log;
        byte[] batch = Batches.Idempotent(7, 0, 0);
        byte[] plain = Batches.Of("a", "b", "c");
        log.AppendAsLeader(batch, 0, AppendOrigin.Client);
        log.AppendAsLeader(plain, 0, AppendOrigin.Client);
        log.Read(0, 1000, true, long.MaxValue);

        // Assertions allocate: they come after the measurement.
        const int Rounds = 1000;
        bool isGood = true;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Rounds; i++)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt64BigEndian(plain, 0);
            isGood &= log.AppendAsLeader(plain, 0, AppendOrigin.Client).Error == ErrorCode.None;
            log.AdvanceHighWatermark(long.MaxValue);
        }

        long appended = GC.GetAllocatedBytesForCurrentThread() - before;
        before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Rounds; i++)
        {
            isGood &= log.Read(i, 1000, true, long.MaxValue).Slice.Length > 0;
        }

        long read = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(isGood);

        // The index grows now and then.
        Assert.InRange(appended / Rounds, 0, 64);
        Assert.InRange(read / Rounds, 0, 1);
    }
}
