using Broker.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Broker.Storage.Tests;

/// <summary>The swap of a cleaned segment: every operation of a pass is the last one before a crash, once with and once without an error that is seen.</summary>
public class SwapTests
{
    private static readonly string[] Marks = [".cleaned", ".swap", ".deleted"];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whatever_operation_is_the_last_nothing_is_lost_and_nothing_comes_back(bool tornWrites)
    {
        bool hasStopped = true;
        int stopAt = 0;
        for (; hasStopped; stopAt++)
        {
            StoppingFiles files = new() { TornWrites = tornWrites };
            using CleaningRig rig = new(files, ("delete.retention.ms", "0"));
            Fill(rig);
            string seen = rig.Seen;
            files.Remaining = stopAt;
            _ = rig.Clean();
            hasStopped = files.HasStopped;
            Assert.Equal(!hasStopped, rig.Rig.Manager.Directories[0].IsOnline);
            files.Remaining = int.MaxValue;
            rig.Rig.Crash();
            rig.Log.AdvanceHighWatermark(long.MaxValue);
            CheckSame(rig, seen);
            Assert.DoesNotContain(rig.Rig.FilesOfPartition(), f => Marks.Any(m => f.EndsWith(m, StringComparison.Ordinal)));
            rig.Clean();
            CheckSame(rig, seen);
            Assert.Equal("3:b=2 7:c=2 8:a=3", rig.Seen.Replace("6:d= ", "", StringComparison.Ordinal));
        }

        Assert.True(stopAt > 30, $"only {stopAt} operations");
    }

    [Fact]
    public void Files_of_a_swap_that_Kafka_left_are_settled_by_its_rules()
    {
        using CleaningRig rig = new();
        rig.Put("a=1");
        rig.Roll();
        rig.Put("a=2");
        rig.Roll();
        rig.Put("b=1");
        rig.Rig.Crash(() =>
        {
            // Half a swap: the log has its second name, an index still the first.
            File.Copy(PathOf(rig, 1, ".log"), PathOf(rig, 0, ".log.swap"));
            File.WriteAllBytes(PathOf(rig, 0, ".index.cleaned"), []);
        });
        rig.Log.AdvanceHighWatermark(long.MaxValue);
        Assert.Equal("0:a=1 1:a=2 2:b=1", rig.Seen);
        rig.Rig.Crash(() => File.Copy(PathOf(rig, 1, ".log"), PathOf(rig, 0, ".log.swap")));
        rig.Log.AdvanceHighWatermark(long.MaxValue);
        Assert.Equal("1:a=2 2:b=1", rig.Seen);
        Assert.Equal([0L, 2L], rig.Log.Segments.Select(s => s.BaseOffset));
    }

    [Fact]
    public void A_reader_keeps_what_it_holds_and_old_files_go_after_the_delay()
    {
        using CleaningRig rig = new(("file.delete.delay.ms", "1000"));
        rig.Put("a=1");
        rig.Roll();
        rig.Put("a=2");
        ReadResult held = rig.Log.Read(0, 1 << 20, true, 1);
        rig.RollAndClean();
        Assert.NotEmpty(LogReader.Bytes(held));
        Assert.Contains("00000000000000000000.log.deleted", rig.Rig.FilesOfPartition());
        rig.Rig.Advance(TimeSpan.FromSeconds(2));
        Assert.DoesNotContain("00000000000000000000.log.deleted", rig.Rig.FilesOfPartition());
        Assert.Equal("1:a=2", rig.Seen);
    }

    [Fact]
    public void A_truncation_into_the_cleaned_part_lowers_the_checkpoint_before_it_cuts()
    {
        using CleaningRig rig = new();
        rig.Put("a=1");
        rig.Put("b=1");
        rig.Put("a=2");
        rig.RollAndClean();
        string checkpoint = Path.Combine(rig.Rig.Root, "cleaner-offset-checkpoint");
        Assert.Equal("0\n1\nt 0 3\n", File.ReadAllText(checkpoint));
        Assert.Equal(ErrorCode.None, rig.Log.TruncateTo(2));
        Assert.Equal("0\n1\nt 0 2\n", File.ReadAllText(checkpoint));
        rig.Put("b=2");
        rig.Put("b=3");
        rig.Rig.Crash();
        rig.Log.AdvanceHighWatermark(long.MaxValue);
        Assert.Equal(2, rig.Log.CleanedUpTo);
        rig.RollAndClean();
        Assert.Equal("3:b=3", rig.Seen);
    }

    [Fact]
    public void A_deleted_log_leaves_no_entry_for_its_successor()
    {
        using CleaningRig rig = new();
        rig.Put("a=1");
        rig.RollAndClean();
        rig.Rig.Manager.Delete(LogRig.Partition);
        Assert.Equal(-1, rig.Log.CleanedUpTo);
        Assert.Equal("0\n0\n", File.ReadAllText(Path.Combine(rig.Rig.Root, "cleaner-offset-checkpoint")));
    }

    [Fact]
    public void Retention_works_beside_cleaning()
    {
        using CleaningRig rig = new(("cleanup.policy", "compact,delete"), ("retention.ms", "3600000"), ("segment.ms", "600000"));
        rig.Put("a=1", "b=1");
        rig.RollAndClean();
        rig.Rig.Clock.Advance(TimeSpan.FromMinutes(30));
        rig.Put("a=2");
        rig.RollAndClean();
        Assert.Equal("1:b=1 2:a=2", rig.Seen);
        rig.Rig.Clock.Advance(TimeSpan.FromMinutes(35));
        rig.Put("c=1");
        rig.Rig.Advance(TimeSpan.FromMinutes(5));
        Assert.Contains("2:a=2", rig.Seen, StringComparison.Ordinal);
        rig.Rig.Advance(TimeSpan.FromMinutes(40));
        Assert.DoesNotContain("a=2", rig.Seen, StringComparison.Ordinal);
    }

    private static void Fill(CleaningRig rig)
    {
        rig.Put("a=1", "b=1");
        rig.PutInTransaction(5, 0, "c=aborted");
        rig.Roll();
        rig.Put("b=2", "d=1");
        rig.End(5, commit: false);
        rig.Roll();
        rig.Put("d=");
        rig.Put("c=2", "a=3");
        rig.Roll();
    }

    private static string PathOf(CleaningRig rig, long baseOffset, string suffix) => Path.Combine(rig.Rig.PartitionPath, LogFileNames.Of(baseOffset, suffix));

    /// <summary>The last value of each key, whatever else is still there; a deleted key has none, with or without its tombstone.</summary>
    private static void CheckSame(CleaningRig rig, string before)
    {
        Assert.Equal(LastOf(before), LastOf(rig.Seen));
        Assert.Equal(9, rig.Log.LogEndOffset);
    }

    private static string LastOf(string seen) => string.Join(' ', seen.Split(' ').GroupBy(r => r.Split(':', '=')[1]).Select(g => g.Last()).Where(r => r[^1] != '=').Order(StringComparer.Ordinal));

    private sealed class StoppingFiles : LogFiles
    {
        private int _remaining = int.MaxValue;

        public bool TornWrites { get; init; }

        public int Remaining
        {
            set => Volatile.Write(ref _remaining, value);
        }

        public bool HasStopped { get; private set; }

        public override SafeFileHandle Open(string path, bool create)
        {
            Count();
            return base.Open(path, create);
        }

        public override void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long position)
        {
            if (TornWrites && Volatile.Read(ref _remaining) == 0)
            {
                base.Write(file, bytes[..(bytes.Length / 2)], position);
            }

            Count();
            base.Write(file, bytes, position);
        }

        public override void Flush(SafeFileHandle file)
        {
            Count();
            base.Flush(file);
        }

        public override void FlushDirectory(string path)
        {
            Count();
            base.FlushDirectory(path);
        }

        public override void Move(string from, string to)
        {
            Count();
            base.Move(from, to);
        }

        public override void Delete(string path)
        {
            Count();
            base.Delete(path);
        }

        public override void SetLength(SafeFileHandle file, long length)
        {
            Count();
            base.SetLength(file, length);
        }

        public override void SetLastWriteUtc(string path, DateTime time)
        {
            Count();
            base.SetLastWriteUtc(path, time);
        }

        /// <summary>After the last operation nothing happens on this disk any more, as after a crash.</summary>
        private void Count()
        {
            int left = Volatile.Read(ref _remaining);
            if (left == int.MaxValue)
            {
                return;
            }

            if (left == 0)
            {
                HasStopped = true;
                throw new IOException("The disk is gone");
            }

            Interlocked.CompareExchange(ref _remaining, left - 1, left);
        }
    }
}
