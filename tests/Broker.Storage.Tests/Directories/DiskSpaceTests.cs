using Broker.Protocol;

namespace Broker.Storage.Tests;

/// <summary>What a log directory takes as its space runs out, and that it takes everything again when it comes back.</summary>
public class DiskSpaceTests
{
    private const long Reserve = 64L << 20;

    [Fact]
    public void Producers_are_refused_before_coordinators_and_both_are_served_again_without_a_restart()
    {
        SimulatedDisk disk = new();
        using LogRig rig = new(files: disk, hasThreads: false);
        PartitionLog log = rig.Log;
        int found = 0;
        rig.Manager.RoomFound += () => found++;
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Of("kept")).Error);

        Look(rig, disk, Reserve - 1);
        AppendResult refused = rig.Append(Batches.Of("refused"));
        Assert.Equal(ErrorCode.KafkaStorageError, refused.Error);
        Assert.Contains($"{Reserve - 1} bytes are free", refused.ErrorMessage, StringComparison.Ordinal);
        Assert.Contains(rig.Root, refused.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Of("group"), origin: AppendOrigin.Coordinator).Error);

        Look(rig, disk, (Reserve / 2) - 1);
        Assert.Equal(ErrorCode.KafkaStorageError, rig.Append(Batches.Of("group"), origin: AppendOrigin.Coordinator).Error);
        Assert.Equal(["kept", "group"], LogReader.Values(disk, log));
        Assert.True(rig.Manager.Directories[0].IsOnline);

        // A little more than the limit is not enough: it would be lost again at once.
        Look(rig, disk, Reserve + 1);
        Assert.Equal(ErrorCode.KafkaStorageError, rig.Append(Batches.Of("refused")).Error);
        Assert.Equal(0, found);
        Look(rig, disk, Reserve + (32 << 20));
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Of("taken")).Error);
        Assert.Equal(1, found);
        Assert.Equal(["kept", "group", "taken"], LogReader.Values(disk, log));
    }

    [Fact]
    public void Between_two_looks_what_is_appended_is_counted()
    {
        SimulatedDisk disk = new();
        using LogRig rig = new(files: disk, hasThreads: false);
        Look(rig, disk, Reserve + (1 << 20));
        Assert.Equal(DiskRoom.Tight, rig.Manager.Directories[0].Room);
        disk.UsableBytes = Reserve - 1;
        ErrorCode error = ErrorCode.None;
        int appended = 0;
        for (; error == ErrorCode.None; appended++)
        {
            Assert.True(appended < 100, "more was taken than there was room for");
            error = rig.Append(Batches.OfSize(16 * 1024)).Error;
        }

        Assert.Equal(ErrorCode.KafkaStorageError, error);
    }

    [Fact]
    public void A_new_partition_goes_where_there_is_room_or_is_refused_until_there_is()
    {
        SimulatedDisk disk = new();
        using LogRig rig = new(files: disk, hasThreads: false);
        Look(rig, disk, 0);
        NoLogDirectoryException refusal = Assert.Throws<NoLogDirectoryException>(() => rig.Log);
        Assert.Contains("0 bytes are free", refusal.Message, StringComparison.Ordinal);
        Assert.NotNull(rig.Manager.WhyNoRoom());
        Assert.DoesNotContain(disk.AllFiles(), path => path.Contains("/t-0/", StringComparison.Ordinal));

        Look(rig, disk, 1L << 40);
        Assert.Null(rig.Manager.WhyNoRoom());
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Of("a")).Error);
    }

    [Fact]
    public void Retention_makes_room_on_a_full_disk()
    {
        SimulatedDisk disk = new();
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "150"), ("retention.bytes", "1"), ("file.delete.delay.ms", "0")), disk, hasThreads: false);
        for (int i = 0; i < 10; i++)
        {
            rig.Append(Batches.Of($"{i}"));
        }

        int before = disk.AllFiles().Count;
        disk.Room = 0;
        rig.Clock.Advance(TimeSpan.FromMinutes(6));
        rig.Manager.Maintenance.RunDue();
        Assert.True(rig.Manager.Directories[0].IsOnline);
        Assert.Equal(rig.Log.Segments[0].BaseOffset, rig.Log.LogStartOffset);
        rig.Advance(TimeSpan.FromSeconds(1));
        Assert.True(disk.AllFiles().Count < before - 10, "the files of old segments are gone");
        disk.Room = null;
        rig.Clock.Advance(TimeSpan.FromSeconds(3));
        rig.Manager.Space.Check();
        Assert.Equal(ErrorCode.None, rig.Append(Batches.Of("on")).Error);
        LogConsistency.Check(rig.Log, disk);
    }

    [Fact]
    public void A_stop_without_room_is_no_clean_one_and_loses_nothing()
    {
        SimulatedDisk disk = new();
        using LogRig rig = new(files: disk, hasThreads: false);
        rig.Append(Batches.Idempotent(1, 0, 0));
        disk.Room = 0;
        rig.Stop();
        Assert.DoesNotContain(disk.AllFiles(), path => path.EndsWith(LogDirectory.CleanShutdownMarker, StringComparison.Ordinal));

        // It serves what it has although the disk is still full.
        rig.Restart();
        Assert.True(rig.Manager.Directories[0].IsOnline);
        Assert.Equal(["0"], LogReader.Values(disk, rig.Log));
        disk.Room = null;
        rig.Restart();
        Assert.Contains(disk.AllFiles(), path => path.EndsWith(".snapshot", StringComparison.Ordinal));
        Assert.Equal(["0"], LogReader.Values(disk, rig.Log));
    }

    [Fact]
    public void A_failed_flush_is_never_taken_for_a_full_disk()
    {
        SimulatedDisk disk = new();
        using LogRig rig = new(LogRig.Topic(("flush.messages", "1")), disk, hasThreads: false);
        PartitionLog log = rig.Log;
        disk.Before = (operation, _) =>
        {
            if (operation == DiskOperation.Flush)
            {
                throw new IOException("No space left on device", 28);
            }
        };
        Assert.Equal(ErrorCode.KafkaStorageError, rig.Append(Batches.Of("a")).Error);
        Assert.False(rig.Manager.Directories[0].IsOnline);
        disk.Before = null;
    }

    private static void Look(LogRig rig, SimulatedDisk disk, long usableBytes)
    {
        disk.UsableBytes = usableBytes;
        rig.Clock.Advance(TimeSpan.FromSeconds(1));
        rig.Manager.Space.Check();
    }
}
