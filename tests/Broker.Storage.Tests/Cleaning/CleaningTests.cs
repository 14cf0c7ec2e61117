using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

/// <summary>What stays of records and batches.</summary>
public class CleaningTests
{
    private const long Day = 86_400_000;

    [Fact]
    public void The_last_record_of_each_key_stays_at_its_offset()
    {
        using CleaningRig rig = new();
        rig.Put("a=1", "b=1", "a=2");
        rig.Put("c=1");
        rig.Put("b=2");
        rig.RollAndClean();
        Assert.Equal("2:a=2 3:c=1 4:b=2", rig.Seen);
        Assert.Equal(5, rig.Log.CleanedUpTo);
        Assert.False(rig.Clean());
    }

    [Fact]
    public void A_batch_that_keeps_everything_is_copied_and_a_thinned_one_keeps_its_ends()
    {
        using CleaningRig rig = new();
        rig.Put("a=1", "b=1", "c=1");
        rig.Put("d=1");
        rig.Put("a=2");
        byte[] before = LogReader.Bytes(rig.Log.Read(3, 1 << 20, true, 4));
        rig.RollAndClean();
        Assert.Equal(before, LogReader.Bytes(rig.Log.Read(3, 1 << 20, true, 4)));
        StoredBatch thinned = StoredBatch.All(rig.Log)[0];
        Assert.Equal((0L, 2L, 2), (thinned.BaseOffset, thinned.LastOffset, thinned.Records.Count));
    }

    [Fact]
    public void The_active_segment_and_what_is_not_stable_are_left_alone()
    {
        using CleaningRig rig = new();
        rig.Put("a=1");
        Assert.False(rig.Clean());
        rig.Roll();
        rig.PutInTransaction(7, 0, "a=2");
        rig.Roll();
        rig.Put("a=3");
        rig.Roll();
        Assert.True(rig.Clean());
        Assert.Equal(1, rig.Log.CleanedUpTo);
        Assert.Equal("0:a=1", rig.Seen);
        rig.End(7, commit: true);
        rig.RollAndClean();
        Assert.Equal("2:a=3", rig.Seen);
    }

    [Fact]
    public void Nothing_at_or_above_the_high_watermark_is_cleaned()
    {
        using CleaningRig rig = new();
        rig.Put("a=1");
        rig.Put("a=2");
        rig.Roll();
        long end = rig.Log.LogEndOffset;
        RecordBatchBuilder builder = new(new RecordBatchOptions());
        builder.Append(rig.NowMs, "a"u8, true, "3"u8, true);
        rig.Log.AppendAsLeader(builder.Build(), 0, AppendOrigin.Client);
        rig.Roll();
        Assert.True(rig.Clean());
        Assert.Equal(end, rig.Log.CleanedUpTo);
        Assert.Equal([1L, 2L], StoredBatch.All(rig.Log).Select(b => b.BaseOffset));
    }

    [Fact]
    public void A_tombstone_stays_for_its_retention_from_the_first_pass_on()
    {
        using CleaningRig rig = new(("delete.retention.ms", $"{Day}"));
        rig.Put("a=1");
        rig.Put("a=", "b=1");
        rig.RollAndClean();
        Assert.Equal("1:a= 2:b=1", rig.Seen);
        StoredBatch marked = StoredBatch.All(rig.Log)[0];
        Assert.Equal(rig.NowMs + Day, marked.Header.DeleteHorizonMs);
        Assert.Equal(rig.NowMs, marked.Records[0].TimestampMs);

        rig.Rig.Clock.Advance(TimeSpan.FromMilliseconds(Day - 1));
        rig.Put("c=1");
        rig.RollAndClean();
        Assert.Equal("1:a= 2:b=1 3:c=1", rig.Seen);

        rig.Rig.Clock.Advance(TimeSpan.FromMilliseconds(1));
        rig.Put("d=1");
        rig.RollAndClean();
        Assert.Equal("2:b=1 3:c=1 4:d=1", rig.Seen);
    }

    [Theory]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public void A_thinned_batch_keeps_its_codec(CompressionCodec codec)
    {
        using CleaningRig rig = new();
        rig.Put(new RecordBatchOptions { Codec = codec }, [.. Enumerable.Range(0, 50).Select(i => $"key{i}={new string('v', 40)}{i}")]);
        rig.Put(new RecordBatchOptions { Codec = codec }, "key7=new");
        rig.RollAndClean();
        StoredBatch batch = StoredBatch.All(rig.Log)[0];
        Assert.Equal((codec, 49, 49L), (batch.Codec, batch.Records.Count, batch.LastOffset));
        Assert.DoesNotContain(batch.Records, r => r.Key == "key7");
    }

    [Fact]
    public void Records_without_a_key_are_dropped()
    {
        using CleaningRig rig = new();
        byte[] batch = Batches.Of("no key");
        byte[] keyed = Batches.Keyed("a", "1");
        RecordBatchPatch.SetBaseOffset(keyed, 1);
        rig.Import([.. batch, .. keyed]);
        rig.RollAndClean();
        Assert.Equal("1:a=1", rig.Seen);
    }

    [Fact]
    public void Aborted_records_go_and_their_marker_after_the_delete_horizon()
    {
        using CleaningRig rig = new(("delete.retention.ms", $"{Day}"));
        rig.PutInTransaction(7, 0, "a=aborted");
        rig.Put("b=1");
        rig.End(7, commit: false);
        rig.PutInTransaction(7, 1, "a=committed");
        rig.End(7, commit: true);
        rig.Put("c=1");
        rig.RollAndClean();
        Assert.Equal("1:b=1 3:a=committed 5:c=1", rig.Seen);
        Assert.Equal([1L, 2L, 3L, 4L, 5L], StoredBatch.All(rig.Log).Select(b => b.BaseOffset));
        AbortedTransaction kept = Assert.Single(rig.Log.AbortedTransactions(0, 6));

        // Its records are gone, so the log does not show where it began: the entry stays.
        rig.Rig.Restart();
        Assert.Equal(kept, Assert.Single(rig.Log.AbortedTransactions(0, 6)));

        rig.Put("d=1");
        rig.RollAndClean();
        Assert.True(StoredBatch.All(rig.Log)[1].Header.HasDeleteHorizon);
        Assert.Empty(rig.Log.AbortedTransactions(0, 6));

        rig.Rig.Clock.Advance(TimeSpan.FromMilliseconds(Day));
        rig.Put("e=1");
        rig.RollAndClean();
        Assert.Equal([1L, 3L, 4L, 5L, 6L, 7L], StoredBatch.All(rig.Log).Select(b => b.BaseOffset));
        Assert.Equal("1:b=1 3:a=committed 5:c=1 6:d=1 7:e=1", rig.Seen);
    }

    /// <summary>Without the marker a recovery from that snapshot on would hold the last stable offset back for ever.</summary>
    [Fact]
    public void A_marker_stays_while_a_snapshot_shows_its_transaction_open()
    {
        using CleaningRig rig = new(("delete.retention.ms", "0"));
        rig.PutInTransaction(7, 0, "a=aborted");
        rig.Roll();
        rig.End(7, commit: false);
        rig.Put("b=1");
        Assert.Equal(ErrorCode.None, rig.Log.DeleteRecords(1));
        rig.RollAndClean();
        rig.Put("b=2");
        rig.RollAndClean();
        Assert.Equal([1L, 3L], StoredBatch.All(rig.Log).Select(b => b.BaseOffset));

        rig.Rig.Crash();
        Assert.Equal(-1, Assert.Single(rig.Log.Producers()).CurrentTransactionStartOffset);
        rig.Log.AdvanceHighWatermark(long.MaxValue);
        Assert.Equal(rig.Log.LogEndOffset, rig.Log.LastStableOffset);
    }

    [Fact]
    public void A_snapshot_inside_of_cleaned_segments_goes()
    {
        using CleaningRig rig = new(("delete.retention.ms", "0"));
        rig.PutInTransaction(7, 0, "a=aborted");
        rig.Rig.Restart();
        rig.Put("c=1");
        rig.End(7, commit: false);
        rig.PutIdempotent(7, 1, "b=1");
        for (int i = 2; i < 5; i++)
        {
            rig.Roll();
            rig.Put($"b={i}");
            Assert.True(rig.Clean());
        }

        Assert.Equal([1L, 3L, 5L, 6L], StoredBatch.All(rig.Log).Select(b => b.BaseOffset));
        Assert.Equal(ErrorCode.None, rig.Log.TruncateTo(3));
        Assert.DoesNotContain(rig.Log.Producers(), p => p.CurrentTransactionStartOffset >= 0);
    }

    [Fact]
    public void The_last_batch_of_a_producer_stays_as_an_empty_header()
    {
        using CleaningRig rig = new();
        rig.PutIdempotent(9, 0, "a=1", "b=1");
        rig.PutIdempotent(9, 2, "a=2", "b=2");
        rig.Put("a=3", "b=3");
        rig.RollAndClean();
        StoredBatch empty = StoredBatch.All(rig.Log)[0];
        Assert.Equal((2L, 3L, 0, 2), (empty.BaseOffset, empty.LastOffset, empty.Records.Count, empty.Header.BaseSequence));
        rig.Rig.Crash(() =>
        {
            foreach (string snapshot in Directory.GetFiles(rig.Rig.PartitionPath, "*.snapshot"))
            {
                File.Delete(snapshot);
            }
        });
        ProducerInfo producer = Assert.Single(rig.Log.Producers());
        Assert.Equal((9L, 3), (producer.ProducerId, producer.LastSequence));
    }

    [Fact]
    public void The_end_of_the_range_is_remembered_though_its_record_goes()
    {
        using CleaningRig rig = new(("delete.retention.ms", "0"));
        rig.Put("a=");
        rig.Roll();
        rig.Put("b=1");
        rig.Put("b=");
        rig.RollAndClean();
        rig.Rig.Clock.Advance(TimeSpan.FromMilliseconds(1));
        rig.Put("c=");
        rig.RollAndClean();
        rig.Rig.Clock.Advance(TimeSpan.FromMilliseconds(1));
        rig.Rig.Restart();
        Assert.Equal(4, rig.Log.LogEndOffset);
        Assert.Equal(3, StoredBatch.All(rig.Log)[^1].LastOffset);
    }

    [Fact]
    public void Segments_are_put_together_up_to_segment_bytes()
    {
        using CleaningRig rig = new(("segment.bytes", "400"));
        for (int i = 0; i < 30; i++)
        {
            rig.Put($"key{i % 10}={i}");
        }

        int before = rig.Log.Segments.Length;
        rig.RollAndClean();
        Assert.Equal(10, StoredBatch.Visible(rig.Log).Count);
        rig.Put("key0=last");
        rig.RollAndClean();
        Assert.True(rig.Log.Segments.Length < before);
        Assert.All(rig.Log.Segments, s => Assert.InRange(s.Size, 0, 400));
        Assert.Equal(10, StoredBatch.Visible(rig.Log).Count);
        rig.Rig.Stop();
        LogConsistency.CheckFiles(rig.Rig.PartitionPath);
    }

    [Fact]
    public void Min_compaction_lag_protects_young_segments()
    {
        using CleaningRig rig = new(("min.compaction.lag.ms", "60000"));
        rig.Put("a=1");
        rig.Put("a=2");
        rig.Roll();
        Assert.False(rig.Clean());
        rig.Rig.Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.True(rig.Clean());
        Assert.Equal("1:a=2", rig.Seen);
    }

    [Fact]
    public void Max_compaction_lag_cleans_a_log_that_is_not_dirty_enough_and_closes_its_segment()
    {
        using CleaningRig rig = new(("min.cleanable.dirty.ratio", "1"), ("max.compaction.lag.ms", "60000"));
        rig.Put("a=1");
        rig.Put("a=2");
        rig.Rig.Clock.Advance(TimeSpan.FromMinutes(2));
        rig.Put("a=3");
        Assert.Equal(2, rig.Log.Segments.Length);
        Assert.True(rig.Clean());
        Assert.Equal("1:a=2 2:a=3", rig.Seen);
    }

    [Fact]
    public void A_log_is_cleaned_when_it_is_dirty_by_more_than_the_ratio()
    {
        using CleaningRig rig = new(("min.cleanable.dirty.ratio", "0.5"));
        rig.Put("a=1", "b=2", "c=3");
        rig.RollAndClean();
        rig.Put("a=2");
        rig.Roll();
        Assert.False(rig.Clean());
        rig.Put("b=2");
        rig.RollAndClean();
        Assert.Equal("2:c=3 3:a=2 4:b=2", rig.Seen);
    }

    [Fact]
    public void A_full_map_ends_the_pass_and_the_next_one_goes_on()
    {
        using CleaningRig rig = new();
        rig.Rig.Cleaner = rig.Rig.Cleaner with { DedupeBufferBytes = 10 * KeyOffsetMap.EntryBytes };
        for (int round = 0; round < 2; round++)
        {
            rig.Put([.. Enumerable.Range(0, 20).Select(i => $"key{i}={round}")]);
        }

        rig.Roll();
        int passes = 0;
        long cleaned = 0;
        for (; rig.Clean(); passes++)
        {
            Assert.True(rig.Log.CleanedUpTo > cleaned);
            cleaned = rig.Log.CleanedUpTo;
            Assert.Equal(20, StoredBatch.Visible(rig.Log).Where(r => r.Value == "1").Select(r => r.Key).Distinct().Count());
        }

        Assert.InRange(passes, 3, 6);
        Assert.Equal(40, cleaned);
        Assert.Equal(Enumerable.Range(20, 20).Select(i => (long)i), StoredBatch.Visible(rig.Log).Select(r => r.Offset));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Old_formats_are_cleaned_compressed_or_not(byte magic)
    {
        using CleaningRig rig = new();
        LegacyMessageSetBuilder plain = new(magic);
        plain.Append(0, 1000, "a"u8, true, "1"u8, true);
        plain.Append(1, 1000, "b"u8, true, "1"u8, true);
        LegacyMessageSetBuilder packed = new(magic, CompressionCodec.Gzip);
        packed.Append(2, 1001, "a"u8, true, "2"u8, true);
        packed.Append(3, 1001, "c"u8, true, "1"u8, true);
        packed.Append(4, 1001, "d"u8, true, "1"u8, true);
        LegacyMessageSetBuilder last = new(magic);
        last.Append(5, 1002, "c"u8, true, "2"u8, true);
        rig.Import([.. plain.Build(), .. packed.Build(), .. last.Build()]);
        rig.RollAndClean();
        Assert.Equal("1:b=1 2:a=2 4:d=1 5:c=2", rig.Seen);
        Assert.Equal(CompressionCodec.Gzip, StoredBatch.All(rig.Log)[1].Codec);
    }

    [Fact]
    public void A_log_with_a_damaged_batch_is_left_alone_and_others_go_on()
    {
        using CleaningRig rig = new();
        rig.Put("a=1");
        rig.Put("a=2");
        rig.Roll();
        string path = Path.Combine(rig.Rig.PartitionPath, "00000000000000000000.log");
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            RandomAccess.Write(file, bytes, 0);
        }

        PartitionLog other = rig.Rig.Manager.GetOrCreate(new TopicPartition("other", 0), Guid.NewGuid(), rig.Rig.Config);
        other.AppendAsLeader(Batches.Keyed("a", "1"), 0, AppendOrigin.Client);
        other.AppendAsLeader(Batches.Keyed("a", "2"), 0, AppendOrigin.Client);
        other.AdvanceHighWatermark(2);
        other.Roll();
        Assert.False(rig.Clean() && rig.Clean());
        rig.Clean();
        Assert.False(rig.Log.IsCleanable);
        Assert.True(rig.Rig.Manager.Directories[0].IsOnline);
        Assert.Equal(2, other.CleanedUpTo);
        Assert.Equal(0, rig.Log.LogStartOffset);
        Assert.DoesNotContain(rig.Rig.FilesOfPartition(), f => f.Contains(".cleaned", StringComparison.Ordinal));
    }
}
