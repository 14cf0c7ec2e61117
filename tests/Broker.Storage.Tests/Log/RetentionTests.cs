using Broker.Protocol;

namespace Broker.Storage.Tests;

public class RetentionTests
{
    private static readonly TimeSpan Check = TimeSpan.FromMinutes(5);

    [Fact]
    public void Whole_segments_go_when_their_newest_record_is_too_old_and_their_files_after_the_delay()
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "150"), ("retention.ms", "3600000"), ("file.delete.delay.ms", "60000")));
        for (int i = 0; i < 6; i++)
        {
            rig.Append(Batches.At(Batches.Now + (i * 600_000), $"{i}"));
        }

        ReadResult early = rig.Log.Read(0, int.MaxValue, true, long.MaxValue);

        // One hour and eleven minutes on: records of the first ten minutes are too old, which is the first segment.
        rig.Advance(TimeSpan.FromMinutes(71));
        Assert.Equal(2, rig.Log.LogStartOffset);
        Assert.Equal(ErrorCode.OffsetOutOfRange, rig.Log.Read(0, 1, true, long.MaxValue).Error);
        Assert.Contains("00000000000000000000.log.deleted", rig.FilesOfPartition());
        Assert.NotEmpty(LogReader.Bytes(early));
        LogConsistency.Check(rig.Log);

        rig.Advance(TimeSpan.FromMinutes(2));
        Assert.DoesNotContain(rig.FilesOfPartition(), static f => f.EndsWith(".deleted"));
        Assert.Equal(["2", "3", "4", "5"], LogReader.Records(rig.Log, 2).Select(r => r.Value));
    }

    [Fact]
    public void The_active_segment_rolls_when_all_of_it_is_too_old()
    {
        using LogRig rig = new(LogRig.Topic(("retention.ms", "1000")));
        rig.Append(Batches.Of("a", "b"));
        rig.Advance(Check);

        Assert.Equal((2L, 2L, 0L), (rig.Log.LogStartOffset, rig.Log.LogEndOffset, rig.Log.SizeInBytes));
        rig.Restart();
        Assert.Equal((2L, 2L), (rig.Log.LogStartOffset, rig.Log.LogEndOffset));
        Assert.Equal(2, rig.Append(Batches.Of("c")).BaseOffset);
    }

    [Fact]
    public void Oldest_segments_go_while_the_rest_holds_retention_bytes()
    {
        int size = Batches.Of("0").Length;
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "150"), ("retention.bytes", $"{size * 3}"), ("retention.ms", "-1")));
        for (int i = 0; i < 8; i++)
        {
            rig.Append(Batches.Of($"{i}"));
        }

        rig.Advance(Check);
        Assert.Equal(4, rig.Log.LogStartOffset);
        rig.Advance(Check);
        Assert.Equal(4, rig.Log.LogStartOffset);
    }

    [Fact]
    public void Nothing_above_the_high_watermark_goes()
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "150"), ("retention.ms", "1000")));
        for (int i = 0; i < 5; i++)
        {
            rig.Log.AppendAsLeader(Batches.Of("a"), 0, AppendOrigin.Client);
        }

        rig.Log.AdvanceHighWatermark(3);
        rig.Advance(Check);
        Assert.Equal(2, rig.Log.LogStartOffset);
    }

    [Fact]
    public void A_compacted_log_keeps_everything()
    {
        using LogRig rig = new(LogRig.Topic(("cleanup.policy", "compact"), ("segment.bytes", "150"), ("retention.ms", "1"), ("retention.bytes", "1")));
        for (int i = 0; i < 5; i++)
        {
            rig.Append(Batches.Keyed($"{i}", "v"));
        }

        rig.Advance(Check);
        Assert.Equal(0, rig.Log.LogStartOffset);
        Assert.Equal(5, LogReader.Records(rig.Log, 0).Count);
    }

    [Fact]
    public void An_idle_active_segment_rolls_after_segment_ms()
    {
        using LogRig rig = new(LogRig.Topic(("segment.ms", "600000"), ("retention.ms", "-1")));
        rig.Append(Batches.Of("a"));
        rig.Advance(Check);
        Assert.Single(rig.Log.Segments);
        rig.Advance(Check + TimeSpan.FromSeconds(1));
        Assert.Equal([0L, 1L], rig.Log.Segments.Select(s => s.BaseOffset));
        LogConsistency.Check(rig.Log);
    }

    [Fact]
    public void The_log_says_why_its_oldest_records_are_still_there()
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "150"), ("retention.ms", "3600000"), ("retention.bytes", "10000")));
        Assert.Equal("there are no records", Why());
        for (int i = 0; i < 5; i++)
        {
            rig.Log.AppendAsLeader(Batches.At(Batches.Now, $"{i}"), 0, AppendOrigin.Client);
        }

        Assert.Contains("only what lies below the high watermark 0 may go", Why(), StringComparison.Ordinal);
        rig.Log.AdvanceHighWatermark(5);
        string until = DateTimeOffset.FromUnixTimeMilliseconds(Batches.Now + 3_600_000).ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture);
        Assert.Contains($"retention.ms=3600000: that of offset 0 after {until}", Why(), StringComparison.Ordinal);
        Assert.Contains("retention.bytes=10000 have to stay", Why(), StringComparison.Ordinal);
        Assert.Contains("the next check", rig.Log.WhyKept(Batches.Now + 3_600_001), StringComparison.Ordinal);

        rig.Log.UpdateConfig(LogRig.Topic(("retention.ms", "-1")));
        Assert.Equal("retention.ms is -1: no record is too old; retention.bytes is -1: the log is never too large", Why());
        rig.Log.UpdateConfig(LogRig.Topic(("cleanup.policy", "compact")));
        Assert.Contains("cleanup.policy is compact", Why(), StringComparison.Ordinal);
        Assert.StartsWith("t-0: offsets 0 to 5 (high watermark 5)", rig.Log.Describe(Batches.Now), StringComparison.Ordinal);

        string Why() => rig.Log.WhyKept(Batches.Now);
    }

    [Fact]
    public void Deleted_records_are_out_of_range_and_segments_below_them_go()
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "150")));
        for (int i = 0; i < 5; i++)
        {
            rig.Append(Batches.Of($"{i}"));
        }

        Assert.Equal(ErrorCode.OffsetOutOfRange, rig.Log.DeleteRecords(6));
        Assert.Equal(ErrorCode.None, rig.Log.DeleteRecords(3));
        Assert.Equal(ErrorCode.None, rig.Log.DeleteRecords(1));
        foreach (Action next in (Action[])[() => { }, rig.Restart, rig.Crash])
        {
            next();
            Assert.Equal(2, rig.Log.Segments[0].BaseOffset);
            Assert.Equal(["3", "4"], LogReader.Records(rig.Log, Math.Max(3, rig.Log.LogStartOffset)).Select(r => r.Value));
        }

        // The crash after a clean start still knows the log start: the checkpoint was written at the stop.
        Assert.Equal(3, rig.Log.LogStartOffset);
    }

    [Fact]
    public void Everything_may_be_deleted()
    {
        using LogRig rig = new();
        rig.Append(Batches.Of("a", "b"));
        Assert.Equal(ErrorCode.None, rig.Log.DeleteRecords(2));
        rig.Restart();

        Assert.Equal((2L, 2L), (rig.Log.LogStartOffset, rig.Log.LogEndOffset));
        Assert.Equal(2, rig.Append(Batches.Of("c")).BaseOffset);
        Assert.Equal([(2L, "c")], LogReader.Records(rig.Log, 2));
    }

    [Fact]
    public void Idle_segments_give_up_their_handles_and_come_back_when_read()
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "150"), ("index.interval.bytes", "10")));
        for (int i = 0; i < 9; i++)
        {
            rig.Append(Batches.Of($"{i}"));
        }

        for (int i = 0; i < 4; i++)
        {
            rig.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.Equal(9, LogReader.Records(rig.Log, 0).Count);
        LogConsistency.Check(rig.Log);
    }

    [Fact]
    public void Flush_ms_and_flush_messages_move_the_recovery_point()
    {
        using LogRig byTime = new(LogRig.Topic(("flush.ms", "10000")));
        byTime.Append(Batches.Of("a"));
        Assert.Equal(0, byTime.Log.RecoveryPoint);
        byTime.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(1, byTime.Log.RecoveryPoint);

        using LogRig byCount = new(LogRig.Topic(("flush.messages", "2")));
        byCount.Append(Batches.Of("a"));
        Assert.Equal(0, byCount.Log.RecoveryPoint);
        byCount.Append(Batches.Of("b"));
        Assert.Equal(2, byCount.Log.RecoveryPoint);
    }
}
