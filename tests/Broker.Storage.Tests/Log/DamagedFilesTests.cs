using Broker.Configuration;
using Broker.Protocol;

namespace Broker.Storage.Tests;

/// <summary>Damage of one file each, chosen so that believing the file would serve or delete the wrong records.</summary>
public class DamagedFilesTests
{
    private const string FirstLog = "00000000000000000000.log";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_base_offset_that_was_raised_is_cut_where_the_log_has_no_gaps(bool isLast)
    {
        using LogRig rig = Filled(5);
        int size = Batches.Of("0").Length;
        rig.Crash(() => Flip(rig, FirstLog, ((isLast ? 4 : 2) * size) + 6, 0x40));

        Assert.Equal(isLast ? ["0", "1", "2", "3"] : ["0", "1"], LogReader.Records(rig.Log, 0).Select(r => r.Value));
        Assert.Equal(isLast ? 4 : 2, rig.Append(Batches.Of("next")).BaseOffset);
    }

    [Fact]
    public void In_a_compacted_log_the_batch_behind_it_gives_a_raised_base_offset_away()
    {
        using CleaningRig rig = new();
        for (int i = 0; i < 5; i++)
        {
            rig.Put($"k{i}=v");
        }

        int size = (int)rig.Log.SizeInBytes / 5;
        rig.Rig.Crash(() => Flip(rig.Rig, FirstLog, (2 * size) + 6, 0x40));
        rig.Log.AdvanceHighWatermark(long.MaxValue);
        Assert.Equal("0:k0=v 1:k1=v", rig.Seen);
    }

    [Fact]
    public void Gaps_below_the_cleaners_checkpoint_stay_when_the_topic_is_compacted_no_more()
    {
        using CleaningRig rig = new();
        rig.Put("a=1");
        rig.Put("b=1");
        rig.Put("a=2");
        rig.RollAndClean();
        rig.Put("c=1");
        rig.Rig.Config = LogRig.Topic(("cleanup.policy", "delete"));
        rig.Rig.Crash(() => File.Delete(Path.Combine(rig.Rig.Root, OffsetCheckpoint.RecoveryPoints)));
        rig.Log.AdvanceHighWatermark(long.MaxValue);
        Assert.Equal("1:b=1 2:a=2 3:c=1", rig.Seen);
    }

    [Fact]
    public void A_base_offset_raised_at_the_end_does_not_move_the_end_after_a_clean_stop()
    {
        using LogRig rig = Filled(5);
        int size = Batches.Of("0").Length;
        rig.Stop();
        Flip(rig, FirstLog, (4 * size) + 2, 1);
        rig.Restart();

        Assert.Equal(4, rig.Log.LogEndOffset);
        Assert.Equal(["0", "1", "2", "3"], LogReader.Records(rig.Log, 0).Select(r => r.Value));
    }

    [Theory]
    [InlineData("0\n1\nt 0 900\n")]
    [InlineData("0\n1\nt 0 4\n")]
    public void A_log_start_offset_that_the_log_contradicts_deletes_nothing_after_a_clean_stop(string checkpoint)
    {
        using LogRig rig = Filled(6, ("segment.bytes", "150"));
        rig.Stop();
        File.WriteAllText(Path.Combine(rig.Root, OffsetCheckpoint.LogStartOffsets), checkpoint);
        rig.Restart();

        Assert.Equal(Enumerable.Range(0, 6).Select(i => $"{i}"), LogReader.Records(rig.Log, 0).Select(r => r.Value));
    }

    [Fact]
    public void A_damaged_swap_file_gives_way_to_the_segments_that_it_was_made_from()
    {
        using CleaningRig rig = new();
        foreach (string record in (string[])["a=1", "a=2", "b=1", "c=1"])
        {
            rig.Put(record);
            rig.Roll();
        }

        string before = rig.Seen;
        rig.Rig.Crash(() =>
        {
            // As long as its base offset says: beyond everything that there is.
            byte[] swap = File.ReadAllBytes(Path.Combine(rig.Rig.PartitionPath, "00000000000000000001.log"));
            swap[6] ^= 0x10;
            File.WriteAllBytes(Path.Combine(rig.Rig.PartitionPath, FirstLog + ".swap"), swap);
        });
        rig.Log.AdvanceHighWatermark(long.MaxValue);
        Assert.Equal(before, rig.Seen);
        Assert.DoesNotContain(rig.Rig.FilesOfPartition(), static f => f.EndsWith(".swap", StringComparison.Ordinal));
    }

    [Fact]
    public void A_swap_file_whose_sources_are_gone_is_kept_up_to_the_damage()
    {
        using CleaningRig rig = new();
        rig.Put("a=1");
        rig.Put("b=1");
        rig.Put("c=1");
        int size = (int)rig.Log.SizeInBytes / 3;
        rig.Roll();
        rig.Put("d=1");
        rig.Rig.Crash(() =>
        {
            Flip(rig.Rig, FirstLog, (2 * size) + 64, 1);
            File.Move(Path.Combine(rig.Rig.PartitionPath, FirstLog), Path.Combine(rig.Rig.PartitionPath, FirstLog + ".swap"));
        });
        rig.Log.AdvanceHighWatermark(long.MaxValue);
        Assert.Equal("0:a=1 1:b=1 3:d=1", rig.Seen);
    }

    [Fact]
    public void An_index_that_leads_astray_is_built_again()
    {
        for (int bit = 0; bit < 64; bit++)
        {
            using LogRig rig = Filled(40, ("index.interval.bytes", "200"));
            rig.Stop();
            byte[] before = File.ReadAllBytes(Path.Combine(rig.PartitionPath, "00000000000000000000.index"));
            Flip(rig, "00000000000000000000.index", 16 + (bit / 8), 1 << (bit % 8));
            rig.Restart();
            for (int offset = 0; offset < 40; offset++)
            {
                Assert.Equal($"{offset}", LogReader.Records(rig.Log, offset)[0].Value);
                Assert.Equal(offset, rig.Log.OffsetForTimestamp(Batches.Now + offset)!.Value.Offset);
            }
        }
    }

    [Fact]
    public void A_time_index_that_is_wrong_neither_misleads_a_search_nor_deletes_a_segment()
    {
        for (int bit = 0; bit < 96; bit++)
        {
            using LogRig rig = Filled(40, ("index.interval.bytes", "200"), ("segment.bytes", "2000"), ("retention.ms", "86400000"));
            string name = "00000000000000000000.timeindex";
            int last = File.ReadAllBytes(Flushed(rig, name)).Length - 12;
            Flip(rig, name, (bit % 2 == 0 ? last : last / 24 * 12) + (bit / 8), 1 << (bit % 8));
            rig.Restart();
            rig.Advance(TimeSpan.FromMinutes(10));
            Assert.Equal(0, rig.Log.LogStartOffset);
            for (int offset = 0; offset < 40; offset++)
            {
                Assert.Equal(offset, rig.Log.OffsetForTimestamp(Batches.Now + offset)!.Value.Offset);
            }
        }
    }

    [Fact]
    public void A_time_index_cut_at_its_end_deletes_no_segment()
    {
        using LogRig rig = Filled(0, ("index.interval.bytes", "200"), ("segment.bytes", "2000"), ("retention.ms", "86400000"));
        for (int i = 0; i < 40; i++)
        {
            rig.Append(Batches.At(Batches.Now - (long)TimeSpan.FromDays(20 - (i / 2.0)).TotalMilliseconds, $"{i}"));
        }

        long start = rig.Log.LogStartOffset;
        string path = Flushed(rig, "00000000000000000000.timeindex");
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..12]);
        rig.Restart();
        LogSegment first = rig.Log.Segments[0];
        first.CheckMax();
        Assert.Equal(0, start);
        Assert.Equal(Batches.Now - (long)TimeSpan.FromDays(20 - ((rig.Log.Segments[1].BaseOffset - 1) / 2.0)).TotalMilliseconds, first.Max.TimestampMs);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_transaction_index_that_does_not_fit_the_log_is_built_again(bool hasEarlierTransaction)
    {
        for (int bit = 0; bit < TransactionIndex.EntrySize * 8; bit++)
        {
            using LogRig rig = new();
            int sequence = hasEarlierTransaction ? 1 : 0;
            if (hasEarlierTransaction)
            {
                // Committed, and hidden if the entry began here.
                rig.Append(Batches.Idempotent(7, 0, 0, isTransactional: true));
                rig.Append(Batches.Marker(7, 0, commit: true), origin: AppendOrigin.Coordinator);
            }

            long first = rig.Log.LogEndOffset;
            rig.Append(Batches.Idempotent(7, 0, sequence, isTransactional: true));
            rig.Append(Batches.Idempotent(8, 0, 0, isTransactional: true));
            rig.Append(Batches.Idempotent(7, 0, sequence + 1, isTransactional: true));
            rig.Append(Batches.Marker(7, 0, commit: false), origin: AppendOrigin.Coordinator);
            rig.Append(Batches.Of("x"));
            AbortedTransaction[] before = [.. rig.Log.AbortedTransactions(0, 100)];
            Assert.Equal([new AbortedTransaction(7, first, first + 3, first + 1)], before);
            rig.Stop();
            Flip(rig, "00000000000000000000.txnindex", bit / 8, 1 << (bit % 8));
            rig.Restart();
            AbortedTransaction found = Assert.Single(rig.Log.AbortedTransactions(0, 100));

            // How far the log was stable right then only ends a search early.
            Assert.Equal(before[0] with { LastStableOffset = found.LastStableOffset }, found);
            Assert.InRange(found.LastStableOffset, 0, first + 1);
        }
    }

    [Fact]
    public void A_log_start_offset_beyond_the_end_deletes_nothing_after_a_crash()
    {
        using LogRig rig = new(hasThreads: false);
        rig.Append(Batches.Of("a"));
        rig.Append(Batches.Of("b"));
        rig.Append(Batches.Of("c"));
        rig.Log.DeleteRecords(1);
        rig.Advance(TimeSpan.FromMinutes(2));
        string path = Path.Combine(rig.Root, OffsetCheckpoint.LogStartOffsets);
        Assert.Equal("0\n1\nt 0 1\n", File.ReadAllText(path));
        rig.Crash(() => File.WriteAllText(path, "0\n1\nt 0 9\n"));
        Assert.Equal((0, 3), (rig.Log.LogStartOffset, rig.Log.LogEndOffset));
        rig.Crash(() => File.WriteAllText(path, "0\n1\nt 0 1\n"));
        Assert.Equal((1, 3), (rig.Log.LogStartOffset, rig.Log.LogEndOffset));
    }

    /// <summary>What is left of it are zeros, as of a file that was given its whole size; in a compacted log no gap behind them tells.</summary>
    [Fact]
    public void A_batch_that_is_torn_within_its_base_offset_is_told_and_what_comes_behind_is_kept()
    {
        CapturedLog log = new();
        using LogRig rig = new(LogRig.Topic(("cleanup.policy", "compact"), ("segment.bytes", "200"))) { Loggers = log };
        string first = Path.Combine(rig.PartitionPath, "00000000000000000000.log");
        do
        {
            rig.Append(Batches.Keyed("k", $"{rig.Log.LogEndOffset}"));
        }
        while (Directory.GetFiles(rig.PartitionPath, "*.log").Length < 2);

        long end = rig.Log.LogEndOffset;
        int batch = (int)(new FileInfo(first).Length / (end - 1));
        rig.Crash(() => File.WriteAllBytes(first, File.ReadAllBytes(first)[..^(batch - 7)]));
        Assert.Equal(end, rig.Log.LogEndOffset);
        Assert.Equal([.. Enumerable.Range(0, (int)end - 2).Select(i => (long)i), end - 1], LogReader.Records(rig.Log, 0).Select(r => r.Item1));
        Assert.Contains(log.Lines, l => l.Text.Contains("Cut 7 zero bytes from segment 0", StringComparison.Ordinal));
    }

    [Fact]
    public void A_log_that_was_starting_over_when_the_process_died_starts_over()
    {
        using LogRig rig = new();
        rig.Append(Batches.Of("a"));
        rig.Crash(() =>
        {
            // Its new segment and its start offset are on the disk, the old one is still there.
            File.WriteAllBytes(Path.Combine(rig.PartitionPath, "00000000000000000009.log"), []);
            File.WriteAllText(Path.Combine(rig.Root, OffsetCheckpoint.LogStartOffsets), "0\n1\nt 0 9\n");
        });
        Assert.Equal((9, 9), (rig.Log.LogStartOffset, rig.Log.LogEndOffset));
        Assert.Equal(9, rig.Append(Batches.Of("b")).BaseOffset);
    }

    [Fact]
    public void A_transaction_index_that_lost_its_last_entry_is_built_again_and_goes_on()
    {
        using LogRig rig = new();
        for (int pid = 1; pid <= 2; pid++)
        {
            rig.Append(Batches.Idempotent(pid, 0, 0, isTransactional: true));
            rig.Append(Batches.Marker(pid, 0, commit: false), origin: AppendOrigin.Coordinator);
        }

        rig.Append(Batches.Idempotent(3, 0, 0, isTransactional: true));
        string path = Flushed(rig, "00000000000000000000.txnindex");
        File.WriteAllBytes(path, File.ReadAllBytes(path)[..TransactionIndex.EntrySize]);
        rig.Restart();
        rig.Append(Batches.Marker(3, 0, commit: false), origin: AppendOrigin.Coordinator);
        AbortedTransaction[] expected = [new(1, 0, 1, 2), new(2, 2, 3, 4), new(3, 4, 5, 6)];
        Assert.Equal(expected, rig.Log.AbortedTransactions(0, 100));
        rig.Stop();
        Assert.Equal(3 * TransactionIndex.EntrySize, File.ReadAllBytes(path).Length);
        rig.Restart();
        Assert.Equal(expected, rig.Log.AbortedTransactions(0, 100));
    }

    [Fact]
    public void A_damaged_batch_of_a_transaction_disproves_no_entry()
    {
        using LogRig rig = new();
        rig.Append(Batches.Idempotent(7, 0, 0, isTransactional: true));
        rig.Append(Batches.Idempotent(7, 0, 1, isTransactional: true));
        rig.Append(Batches.Marker(7, 0, commit: false), origin: AppendOrigin.Coordinator);
        int marker = rig.Log.Segments[0].EndPositionOf(2);
        rig.Stop();

        // The producer id of the marker.
        Flip(rig, FirstLog, marker + 50, 1);
        rig.Restart();
        Assert.Equal([new AbortedTransaction(7, 0, 2, 3)], rig.Log.AbortedTransactions(0, 100));
    }

    [Fact]
    public void A_search_by_time_steps_over_a_batch_that_nobody_can_read()
    {
        using LogRig rig = Filled(0);
        rig.Append(Batches.Compressed(Protocol.Records.CompressionCodec.Gzip, (Batches.Now, "a")));
        rig.Append(Batches.At(Batches.Now + 1, "b"));
        rig.Stop();
        Flip(rig, FirstLog, 65, 0xff);
        rig.Restart();
        Assert.Equal(1, rig.Log.OffsetForTimestamp(Batches.Now)!.Value.Offset);
    }

    [Fact]
    public void A_header_that_is_no_batch_is_refused_and_what_lies_behind_it_is_served()
    {
        using LogRig rig = Filled(100, ("index.interval.bytes", "200"));
        int size = Batches.Of("0").Length;
        rig.Stop();
        Flip(rig, FirstLog, (3 * size) + 8, 0x40);
        rig.Restart();

        Assert.Equal(ErrorCode.CorruptMessage, rig.Log.Read(3, 1, minOneBatch: true, long.MaxValue).Error);
        Assert.Equal(size, rig.Log.Read(2, 1, minOneBatch: true, long.MaxValue).Slice.Length);
        Assert.Equal("99", LogReader.Records(rig.Log, 20)[^1].Value);
        Assert.True(rig.Manager.Directories[0].IsOnline);
    }

    [Theory]
    [InlineData(6, 0x01)]
    [InlineData(7, 0x08)]
    [InlineData(7, 0x04)]
    [InlineData(0, 0x80)]
    public void A_wrong_base_offset_in_the_middle_of_what_is_read_is_not_given_out(int at, int mask)
    {
        using LogRig rig = Filled(100, ("index.interval.bytes", "200"));
        int position = 10 * (Batches.Of("0").Length + Batches.Of("10").Length);
        rig.Stop();
        Flip(rig, FirstLog, position + at, mask);
        rig.Restart();

        ReadResult read = rig.Log.Read(0, 1 << 20, minOneBatch: true, long.MaxValue);
        Assert.Equal((ErrorCode.None, position), (read.Error, read.Slice.Length));
        Assert.Equal(ErrorCode.CorruptMessage, rig.Log.Read(20, 1 << 20, minOneBatch: true, long.MaxValue).Error);
    }

    [Theory]
    [InlineData("0\n2\n0 0\n0 3\n")]
    [InlineData("0\n2\n1 3\n2 3\n")]
    public void Leader_epochs_out_of_order_come_from_the_batches(string content)
    {
        using LogRig rig = new();
        rig.Append(Batches.Of("a"), leaderEpoch: 1);
        rig.Append(Batches.Of("b"), leaderEpoch: 3);
        rig.Stop();
        File.WriteAllText(Path.Combine(rig.PartitionPath, LogFileNames.LeaderEpochs), content);
        rig.Restart();
        Assert.Equal((1, 1L), rig.Log.EndOffsetForEpoch(1));
        Assert.Equal(3, rig.Log.LatestLeaderEpoch);
    }

    [Fact]
    public void Producers_are_read_from_the_log_when_the_last_snapshot_is_lost()
    {
        using LogRig rig = new();
        rig.Append(Batches.Idempotent(7, 0, 0));
        rig.Stop();
        foreach (string snapshot in Directory.GetFiles(rig.PartitionPath, "*.snapshot"))
        {
            File.Delete(snapshot);
        }

        rig.Restart();
        Assert.True(rig.Append(Batches.Idempotent(7, 0, 0)).IsDuplicate);
    }

    [Theory]
    [InlineData("broker.id=1\nversion=0\ncluster.ie=cluster\n", "cluster.id")]
    [InlineData("brokes.id=1\nversion=0\ncluster.id=cluster\n", "broker.id")]
    [InlineData("", "broker.id")]
    public void A_damaged_meta_properties_is_refused_and_kept(string content, string missing)
    {
        using LogRig rig = new();
        rig.Stop();
        string path = Path.Combine(rig.Root, "meta.properties");
        File.WriteAllText(path, content);
        AggregateException refusal = Assert.Throws<AggregateException>(rig.Restart);
        Assert.Contains($"{path} is damaged: it has no {missing}", refusal.InnerException!.Message, StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(path));
    }

    [Fact]
    public void One_log_that_cannot_be_opened_leaves_the_others_served()
    {
        StumblingFiles files = new();
        using LogRig rig = new(files: files);
        rig.Append(Batches.Of("a"));
        TopicPartition other = new("u", 0);
        rig.Manager.GetOrCreate(other, LogRig.TopicId, TopicConfig.Default).AppendAsLeader(Batches.Of("b"), 0, AppendOrigin.Client);
        rig.Stop();
        files.IsStumbling = true;
        rig.Restart();

        PartitionLog damaged = rig.Manager.GetOrCreate(other, LogRig.TopicId, TopicConfig.Default);
        Assert.Equal(ErrorCode.KafkaStorageError, damaged.Read(0, 100, true, 1).Error);
        Assert.Equal(ErrorCode.KafkaStorageError, damaged.AppendAsLeader(Batches.Of("c"), 0, AppendOrigin.Client).Error);
        Assert.Equal([(0L, "a")], LogReader.Records(rig.Log, 0));
        rig.Append(Batches.Of("d"));
        files.IsStumbling = false;
        rig.Restart();
        Assert.Equal([(0L, "b")], LogReader.Records(rig.Manager.Find(other)!, 0));
        Assert.Equal(2, rig.Log.LogEndOffset);
    }

    private static LogRig Filled(int count, params (string Key, string Value)[] overrides)
    {
        LogRig rig = new(LogRig.Topic(overrides));
        for (int i = 0; i < count; i++)
        {
            rig.Append(Batches.At(Batches.Now + i, $"{i}"));
        }

        return rig;
    }

    /// <summary>Stops cleanly, so that the file is complete.</summary>
    private static string Flushed(LogRig rig, string name)
    {
        rig.Stop();
        return Path.Combine(rig.PartitionPath, name);
    }

    private static void Flip(LogRig rig, string name, int at, int mask)
    {
        string path = Path.Combine(rig.PartitionPath, name);
        byte[] bytes = File.ReadAllBytes(path);
        bytes[at] ^= (byte)mask;
        File.WriteAllBytes(path, bytes);
    }

    /// <summary>A mistake of the loader, not of the disk, with one partition.</summary>
    private sealed class StumblingFiles : LogFiles
    {
        public bool IsStumbling { get; set; }

        public override IReadOnlyList<FileEntry> List(string directory) =>
            IsStumbling && directory.EndsWith("u-0", StringComparison.Ordinal) ? throw new ArithmeticException("stumbled") : base.List(directory);
    }
}
