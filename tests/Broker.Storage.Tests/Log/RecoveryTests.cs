namespace Broker.Storage.Tests;

public class RecoveryTests
{
    [Fact]
    public void A_tail_torn_at_any_byte_costs_the_torn_batch_only()
    {
        byte[] last = Batches.Of("last");
        for (int keep = 0; keep < last.Length; keep++)
        {
            using LogRig rig = new();
            rig.Append(Batches.Of("a", "b"));
            rig.Append([.. last]);
            long good = rig.Log.SizeInBytes - last.Length;
            rig.Crash(() => Cut(LogFile(rig), good + keep));

            Assert.Equal([(0L, "a"), (1L, "b")], LogReader.Records(rig.Log, 0));
            Assert.Equal(good, new FileInfo(LogFile(rig)).Length);
            Assert.Equal(2, rig.Append(Batches.Of("next")).BaseOffset);
            LogConsistency.Check(rig.Log);
        }
    }

    [Fact]
    public void A_bit_flipped_anywhere_in_the_last_batch_costs_that_batch_only()
    {
        byte[] last = Batches.Of("last");
        for (int bit = 0; bit < last.Length * 8; bit += 7)
        {
            // Base offset and leader epoch lie outside the CRC.
            if (bit / 8 is (>= 0 and < 8) or (>= 12 and < 16))
            {
                continue;
            }

            using LogRig rig = new();
            rig.Append(Batches.Of("a", "b"));
            rig.Append([.. last]);
            long at = rig.Log.SizeInBytes - last.Length + (bit / 8);
            int mask = 1 << (bit % 8);
            rig.Crash(() => Flip(LogFile(rig), at, mask));

            Assert.Equal([(0L, "a"), (1L, "b")], LogReader.Records(rig.Log, 0));
            LogConsistency.Check(rig.Log);
        }
    }

    [Fact]
    public void Segments_behind_a_damaged_one_are_dropped()
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "150")));
        for (int i = 0; i < 6; i++)
        {
            rig.Append(Batches.Of($"{i}"));
        }

        Assert.Equal([0L, 2L, 4L], rig.Log.Segments.Select(s => s.BaseOffset));
        rig.Crash(() =>
        {
            // The flush after a roll may have moved the recovery point beyond the damage.
            File.Delete(Path.Combine(rig.Root, OffsetCheckpoint.RecoveryPoints));
            Flip(LogFile(rig, 2), Batches.Of("3").Length + 40, 1);
        });

        Assert.Equal(["0", "1", "2"], LogReader.Records(rig.Log, 0).Select(r => r.Value));
        Assert.Equal([0L, 2L], rig.Log.Segments.Select(s => s.BaseOffset));
        Assert.Equal(3, rig.Append(Batches.Of("3")).BaseOffset);
        LogConsistency.Check(rig.Log);
        rig.Stop();
        LogConsistency.CheckFiles(rig.PartitionPath);
    }

    [Fact]
    public void What_lies_below_the_recovery_point_is_not_scanned_again()
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "150")));
        for (int i = 0; i < 4; i++)
        {
            rig.Append(Batches.Of($"{i}"));
        }

        rig.Log.Flush();
        rig.Advance(TimeSpan.FromMinutes(2));
        rig.Crash(() => Flip(LogFile(rig), 40, 1));

        // The damage in the first segment is for its readers to find: a start must not read terabytes.
        Assert.Equal(4, rig.Log.LogEndOffset);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Missing_or_damaged_indexes_are_rebuilt(bool isClean)
    {
        using LogRig rig = new(LogRig.Topic(("index.interval.bytes", "10"), ("segment.bytes", "500")));
        for (int i = 0; i < 30; i++)
        {
            rig.Append(Batches.At(Batches.Now + i, $"{i}"));
        }

        rig.Stop();
        string[] indexes = [.. Directory.GetFiles(rig.PartitionPath, "*index").Order(StringComparer.Ordinal)];
        byte[][] before = [.. indexes.Select(File.ReadAllBytes)];
        File.Delete(indexes[0]);
        File.WriteAllBytes(indexes[3], new byte[120]);
        File.WriteAllBytes(indexes[4], [1, 2, 3]);
        if (!isClean)
        {
            File.Delete(Path.Combine(rig.Root, LogDirectory.CleanShutdownMarker));
            File.Delete(Path.Combine(rig.Root, OffsetCheckpoint.RecoveryPoints));
        }

        rig.Restart();
        Assert.Equal(Enumerable.Range(0, 30).Select(i => $"{i}"), LogReader.Records(rig.Log, 0).Select(r => r.Value));
        Assert.Equal(0, rig.Log.OffsetForTimestamp(Batches.Now)!.Value.Offset);
        rig.Advance(TimeSpan.FromMinutes(1));
        rig.Stop();
        Assert.Equal(before, indexes.Select(File.ReadAllBytes));
    }

    [Fact]
    public void Leftovers_of_an_earlier_process_are_settled()
    {
        using LogRig rig = new();
        rig.Append(Batches.Of("a"));
        rig.Crash(() =>
        {
            File.WriteAllText(Path.Combine(rig.PartitionPath, "00000000000000000000.log.deleted"), "x");
            File.WriteAllText(Path.Combine(rig.PartitionPath, "00000000000000000005.index.cleaned"), "x");
            File.WriteAllText(Path.Combine(rig.PartitionPath, "00000000000000000007.timeindex"), "x");
            File.Move(LogFile(rig), LogFile(rig) + ".swap");
        });

        Assert.Equal([(0L, "a")], LogReader.Records(rig.Log, 0));
        Assert.DoesNotContain(rig.FilesOfPartition(), static f => f.EndsWith(".deleted") || f.EndsWith(".cleaned") || f.EndsWith(".swap") || f.Contains('7'));
    }

    [Fact]
    public void Leader_epochs_above_the_recovery_point_come_back_from_the_batches()
    {
        using LogRig rig = new();
        rig.Append(Batches.Of("a"), leaderEpoch: 1);
        rig.Append(Batches.Of("b"), leaderEpoch: 3);
        rig.Crash(() => File.Delete(Path.Combine(rig.PartitionPath, LogFileNames.LeaderEpochs)));

        Assert.Equal((1, 1L), rig.Log.EndOffsetForEpoch(1));
        Assert.Equal(3, rig.Log.LatestLeaderEpoch);
    }

    [Fact]
    public void Damage_despite_a_clean_marker_is_noticed_at_the_tail()
    {
        using LogRig rig = new();
        rig.Append(Batches.Of("a"));
        rig.Append(Batches.Of("b"));
        rig.Stop();
        Cut(LogFile(rig), new FileInfo(LogFile(rig)).Length - 3);
        rig.Restart();

        Assert.Equal([(0L, "a")], LogReader.Records(rig.Log, 0));
    }

    [Theory]
    [InlineData(LogFileNames.LeaderEpochs)]
    [InlineData(LogFileNames.PartitionMetadata)]
    public void A_damaged_small_file_of_a_partition_does_not_stop_the_start(string name)
    {
        using LogRig rig = new();
        rig.Append(Batches.Of("a"), leaderEpoch: 4);
        rig.Crash(() => File.WriteAllText(Path.Combine(rig.PartitionPath, name), "0\n7\ndamaged"));

        Assert.Equal([(0L, "a")], LogReader.Records(rig.Log, 0));
        Assert.Equal((LogRig.TopicId, 4), (rig.Log.TopicId, rig.Log.LatestLeaderEpoch));
    }

    private static string LogFile(LogRig rig, long baseOffset = 0) => Path.Combine(rig.PartitionPath, LogFileNames.Of(baseOffset, LogFileNames.Log));

    private static void Cut(string path, long length)
    {
        using FileStream file = File.OpenWrite(path);
        file.SetLength(length);
    }

    private static void Flip(string path, long at, int mask)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[at] ^= (byte)mask;
        File.WriteAllBytes(path, bytes);
    }
}
