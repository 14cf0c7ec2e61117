using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

public class LookupTests
{
    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Zstd)]
    public void The_first_record_at_or_after_a_timestamp(CompressionCodec codec)
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "220"), ("index.interval.bytes", "10")));
        // Not in order, as producers' clocks are not: offsets 0..5.
        rig.Append(Batches.Compressed(codec, (100, "a"), (300, "b")), leaderEpoch: 1);
        rig.Append(Batches.Compressed(codec, (200, "c"), (250, "d")), leaderEpoch: 1);
        rig.Append(Batches.Compressed(codec, (400, "e"), (350, "f")), leaderEpoch: 2);

        foreach (bool isReopened in (bool[])[false, true])
        {
            if (isReopened)
            {
                rig.Restart();
            }

            Assert.Equal(new OffsetLookup(0, 100, 1), rig.Log.OffsetForTimestamp(0));
            Assert.Equal(new OffsetLookup(1, 300, 1), rig.Log.OffsetForTimestamp(101));
            Assert.Equal(new OffsetLookup(1, 300, 1), rig.Log.OffsetForTimestamp(300));
            Assert.Equal(new OffsetLookup(4, 400, 2), rig.Log.OffsetForTimestamp(301));
            Assert.Null(rig.Log.OffsetForTimestamp(401));
            Assert.Equal(new OffsetLookup(4, 400, 2), rig.Log.MaxTimestampOffset());
        }
    }

    [Fact]
    public void Records_inside_a_compressed_message_of_format_1_are_looked_at_one_by_one()
    {
        using CleaningRig rig = new();
        LegacyMessageSetBuilder packed = new(1, CompressionCodec.Gzip);
        packed.Append(0, 100, "a"u8, true, "1"u8, true);
        packed.Append(1, 300, "b"u8, true, "2"u8, true);
        packed.Append(2, 200, "c"u8, true, "3"u8, true);
        rig.Import(packed.Build());

        Assert.Equal(new OffsetLookup(0, 100, -1), rig.Log.OffsetForTimestamp(50));
        Assert.Equal(new OffsetLookup(1, 300, -1), rig.Log.OffsetForTimestamp(150));
        Assert.Null(rig.Log.OffsetForTimestamp(301));
    }

    [Fact]
    public void Records_below_the_log_start_are_not_found()
    {
        using LogRig rig = new();
        rig.Append(Batches.Timed((100, "a"), (200, "b"), (150, "c")));
        rig.Log.DeleteRecords(2);

        Assert.Equal(2, rig.Log.OffsetForTimestamp(0)!.Value.Offset);
        Assert.Null(rig.Log.OffsetForTimestamp(160));
    }

    [Fact]
    public void An_empty_log_has_no_timestamps()
    {
        using LogRig rig = new();
        Assert.Null(rig.Log.OffsetForTimestamp(0));
        Assert.Null(rig.Log.MaxTimestampOffset());
        Assert.Equal([0L], rig.Log.LegacyOffsetsBefore(-1, 10));
        Assert.Equal([0L], rig.Log.LegacyOffsetsBefore(-2, 10));
    }

    [Fact]
    public void Old_clients_get_segment_boundaries_newest_first()
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "150"), ("retention.ms", "-1"), ("segment.ms", "9223372036854775807")));
        for (int i = 0; i < 5; i++)
        {
            rig.Append(Batches.Of("a"));
        }

        // Files were written in real time, the log's clock says 2023.
        rig.Clock.SetUtcNow(DateTimeOffset.UtcNow.AddDays(1));
        Assert.Equal([5L, 4L, 2L, 0L], rig.Log.LegacyOffsetsBefore(-1, 10));
        Assert.Equal([5L, 4L], rig.Log.LegacyOffsetsBefore(-1, 2));
        Assert.Equal([0L], rig.Log.LegacyOffsetsBefore(-2, 2));
        Assert.Equal([4L, 2L, 0L], rig.Log.LegacyOffsetsBefore(DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeMilliseconds(), 10));
        Assert.Empty(rig.Log.LegacyOffsetsBefore(1, 10));
    }
}
