using Broker.Configuration;
using Broker.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Storage.Tests;

/// <summary>A partition that moves from one directory to the other, step by step.</summary>
public class MoveTests
{
    [Fact]
    public void It_has_the_same_records_offsets_and_producers_in_the_other_directory()
    {
        using Rig rig = new(("segment.bytes", "300"));
        rig.Append(60);
        rig.Log.AppendAsLeader(Batches.Idempotent(7, 0, 0, 3), 4, AppendOrigin.Client);
        rig.Log.AdvanceHighWatermark(long.MaxValue);
        rig.Log.BecomeLeader(9);
        Assert.Equal(ErrorCode.None, rig.Log.DeleteRecords(20));
        List<(long, string)> before = LogReader.Records(rig.Log, 20);
        string old = rig.Log.DirectoryPath;

        Assert.Equal(ErrorCode.None, rig.Move(1));
        PartitionLog future = rig.Log.Future!;
        Assert.Matches(@"t-0\.[0-9a-f]{32}-future$", future.DirectoryPath);
        Assert.Equal((true, 0L), (future.IsFuture, future.SizeInBytes));
        Assert.Contains(future, rig.Manager.Directories[1].Logs);
        Assert.Equal([rig.Log], rig.Manager.Logs);
        rig.Finish();

        Assert.Equal(Path.Combine(rig.Manager.Directories[1].Path, "t-0"), rig.Log.DirectoryPath);
        Assert.Null(rig.Log.Future);
        Assert.Equal((20, 63, 63, 9), (rig.Log.LogStartOffset, rig.Log.LogEndOffset, rig.Log.HighWatermark, rig.Log.LatestLeaderEpoch));
        Assert.Equal(before, LogReader.Records(rig.Log, 20));
        Assert.Empty(rig.Manager.Directories[0].Logs);
        Assert.Equal([rig.Log], rig.Manager.Directories[1].Logs);
        Assert.False(Directory.Exists(old));
        Assert.Single(Directory.GetDirectories(rig.Manager.Directories[0].Path), d => d.EndsWith("-delete", StringComparison.Ordinal));
        LogConsistency.Check(rig.Log);
        Assert.True(rig.Log.AppendAsLeader(Batches.Idempotent(7, 0, 0, 3), 9, AppendOrigin.Client).IsDuplicate);
        rig.Append(5, epoch: 9);

        rig.Restart();
        Assert.Equal((20, 68), (rig.Log.LogStartOffset, rig.Log.LogEndOffset));
        Assert.Equal(before, LogReader.Records(rig.Log, 20)[..before.Count]);
        rig.Advance(TimeSpan.FromMinutes(2));
        Assert.Empty(Directory.GetDirectories(rig.Manager.Directories[0].Path));
    }

    /// <summary>Of a producer whose records are deleted and whose marker is not, the copy's records alone would tell that it has yet to write its first.</summary>
    [Theory]
    [InlineData(6)]
    [InlineData(4)]
    public void What_is_known_of_producers_from_deleted_records_outlives_a_crash_after_it(long start)
    {
        using Rig rig = new();
        rig.Log.AppendAsLeader(Batches.Idempotent(7, 0, 0, 3, isTransactional: true), 0, AppendOrigin.Client);
        rig.Log.AppendAsLeader(Batches.Idempotent(8, 0, 0, 3), 0, AppendOrigin.Client);
        rig.Log.AppendAsLeader(Batches.Marker(7, 0, commit: true), 0, AppendOrigin.Coordinator);
        rig.Log.AdvanceHighWatermark(long.MaxValue);
        Assert.Equal(ErrorCode.None, rig.Log.DeleteRecords(start));
        rig.Move(1);
        rig.Finish();
        Assert.Equal(rig.Manager.Directories[1], rig.Log.Directory);

        rig.Crash(() => { });
        Assert.Equal((start, 7L, 7L), (rig.Log.LogStartOffset, rig.Log.LogEndOffset, rig.Log.LastStableOffset));
        Assert.True(rig.Log.AppendAsLeader(Batches.Idempotent(7, 0, 0, 3, isTransactional: true), 0, AppendOrigin.Client).IsDuplicate);
        Assert.Equal(ErrorCode.None, rig.Log.AppendAsLeader(Batches.Idempotent(7, 0, 3, 1, isTransactional: true), 0, AppendOrigin.Client).Error);
        Assert.Equal(ErrorCode.None, rig.Log.AppendAsLeader(Batches.Idempotent(8, 0, 3, 1), 0, AppendOrigin.Client).Error);
    }

    [Fact]
    public void The_same_directory_or_a_third_one_ends_a_move()
    {
        using Rig rig = new();
        rig.Append(10);
        rig.Move(1);
        string first = rig.Log.Future!.DirectoryPath;
        Assert.Equal(ErrorCode.None, rig.Move(1));
        Assert.Equal(first, rig.Log.Future!.DirectoryPath);
        Assert.Equal(ErrorCode.None, rig.Move(2));
        Assert.Equal(rig.Manager.Directories[2], rig.Log.Future!.Directory);
        Assert.False(Directory.Exists(first));
        Assert.Equal(ErrorCode.None, rig.Move(0));
        Assert.Null(rig.Log.Future);
        rig.Finish();
        Assert.Equal(rig.Manager.Directories[0], rig.Log.Directory);
        Assert.Equal([1, 0, 0], rig.Manager.Directories.Select(d => d.Logs.Count));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, rig.Manager.Move(new TopicPartition("other", 0), rig.Manager.Directories[1]));
    }

    [Fact]
    public void What_is_truncated_appended_and_deleted_meanwhile_counts()
    {
        using Rig rig = new(("segment.bytes", "300"));
        rig.Append(60);
        rig.Move(1);
        rig.Step(4);
        Assert.InRange(rig.Log.Future!.LogEndOffset, 1, 59);
        long copied = rig.Log.Future.LogEndOffset;
        Assert.Equal(ErrorCode.None, rig.Log.TruncateTo(copied - 1));
        rig.Append(3, epoch: 1);
        rig.Log.DeleteRecords(2);
        Assert.True(rig.Log.Future.LogEndOffset > copied - 1);
        List<(long, string)> expected = LogReader.Records(rig.Log, 2);
        rig.Finish();
        Assert.Equal(expected, LogReader.Records(rig.Log, 2));
        Assert.Equal((copied + 2, rig.Manager.Directories[1]), (rig.Log.LogEndOffset, rig.Log.Directory));
        LogConsistency.Check(rig.Log);
    }

    [Fact]
    public void A_start_goes_on_with_a_copy_and_drops_what_a_move_left_behind()
    {
        using Rig rig = new(("segment.bytes", "300"));
        rig.Append(60);
        rig.Move(1);
        rig.Step(3);
        string future = rig.Log.Future!.DirectoryPath;
        long copied = rig.Log.Future.LogEndOffset;
        rig.Restart();
        Assert.Equal((future, copied), (rig.Log.Future!.DirectoryPath, rig.Log.Future.LogEndOffset));

        // As if the process had died between the two names: the old one is still there.
        string kept = Path.Combine(rig.Root, "kept");
        CopyDirectory(rig.Log.DirectoryPath, kept);
        string old = rig.Log.DirectoryPath;
        rig.Finish();
        rig.Append(2);
        rig.Crash(() => Directory.Move(kept, old));
        Assert.Equal((rig.Manager.Directories[1], 62), (rig.Log.Directory, rig.Log.LogEndOffset));
        Assert.False(Directory.Exists(old));

        // Somebody else's log of the name is not taken for such a copy.
        rig.Stop();
        CopyDirectory(rig.Log.DirectoryPath, old);
        File.WriteAllBytes(Path.Combine(old, "00000000000000000000.log"), Batches.Of("other"));
        foreach (string file in Directory.GetFiles(old).Where(f => !f.EndsWith(".log", StringComparison.Ordinal) && !f.EndsWith(".metadata", StringComparison.Ordinal)))
        {
            File.Delete(file);
        }

        foreach (string file in Directory.GetFiles(old, "*.log").Order().Skip(1))
        {
            File.Delete(file);
        }

        Assert.StartsWith("Duplicate log directories for t-0", Assert.Throws<LoadException>(rig.Open).Message);
    }

    [Fact]
    public void A_copy_that_differs_begins_anew()
    {
        using Rig rig = new();
        rig.Append(20);
        rig.Move(1);
        Assert.True(rig.Log.Future!.AppendAsFollower(Batches.Of("not in the log"), PartitionLog.FutureEpoch) == ErrorCode.None);
        rig.Crash(static () => { });
        Assert.Equal(0, rig.Log.Future!.LogEndOffset);
        rig.Finish();
        Assert.Equal((20, rig.Manager.Directories[1]), (rig.Log.LogEndOffset, rig.Log.Directory));
    }

    [Fact]
    public void Compaction_rests_while_a_log_moves_and_goes_on_in_the_new_directory()
    {
        using Rig rig = new(("cleanup.policy", "compact"), ("segment.bytes", "200"), ("min.cleanable.dirty.ratio", "0"));
        rig.AppendKeyed(20);
        Assert.True(rig.Manager.Cleaner.CleanNext());
        long cleaned = rig.Log.CleanedUpTo;
        rig.AppendKeyed(20);
        rig.Move(1);
        Assert.False(rig.Manager.Cleaner.CleanNext());
        Assert.Contains($"t 0 {cleaned}", rig.Checkpoint(1));
        rig.Finish();
        Assert.Equal((rig.Manager.Directories[1], cleaned), (rig.Log.Directory, rig.Log.CleanedUpTo));
        Assert.Contains($"t 0 {cleaned}", rig.Checkpoint(1));
        Assert.DoesNotContain("t 0", rig.Checkpoint(0));
        Assert.True(rig.Manager.Cleaner.CleanNext());
        Assert.True(rig.Log.CleanedUpTo > cleaned);
        rig.Restart();
        Assert.Equal(40, rig.Log.LogEndOffset);
    }

    [Fact]
    public void A_partition_is_made_in_the_directory_that_was_asked_for_and_deleted_with_its_copy()
    {
        using Rig rig = new();
        var tp = new TopicPartition("later", 0);
        rig.Manager.Prefer(tp, rig.Manager.Directories[2]);
        PartitionLog log = rig.Manager.GetOrCreate(tp, LogRig.TopicId, TopicConfig.Default);
        Assert.Equal(rig.Manager.Directories[2], log.Directory);
        rig.Manager.Move(tp, rig.Manager.Directories[1]);
        rig.Manager.Delete(tp);
        Assert.Null(rig.Manager.Find(tp));
        rig.Finish();
        Assert.All(rig.Manager.Directories, d => Assert.DoesNotContain(Directory.GetDirectories(d.Path), p => p.Contains("later", StringComparison.Ordinal) && !p.EndsWith("-delete", StringComparison.Ordinal)));
        Assert.Throws<InconsistentTopicIdException>(() => rig.Manager.GetOrCreate(LogRig.Partition, Guid.NewGuid(), TopicConfig.Default));
    }

    [Fact]
    public void A_throttle_holds_it_back()
    {
        using Rig rig = new();
        rig.Append(10);
        long copied = 0;
        rig.Moves = new MoveOptions { IsThrottled = () => copied > 0, OnCopied = bytes => copied += bytes };
        rig.Move(1);
        rig.Step(3);
        Assert.Equal((rig.Log.SizeInBytes, rig.Manager.Directories[1]), (copied, rig.Log.Directory));
        rig.Move(0);
        rig.Step(3);
        Assert.Equal(0, rig.Log.Future!.LogEndOffset);
        copied = 0;
        rig.Step(1);
        Assert.Equal(rig.Manager.Directories[0], rig.Log.Directory);
    }

    private static void CopyDirectory(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (string file in Directory.GetFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }
    }

    /// <summary>Three directories; the partition is in the first. Nothing moves but by <see cref="Step"/>.</summary>
    private sealed class Rig : IDisposable
    {
        private readonly TempDirectory _directory = new();
        private readonly TopicConfig _config;
        private readonly FakeTimeProvider _clock = new(DateTimeOffset.FromUnixTimeMilliseconds(Batches.Now));
        private int _appended;

        public Rig(params (string Key, string Value)[] config)
        {
            _config = LogRig.Topic(config);
            Open();
        }

        public string Root => _directory.Path;

        public LogManager Manager { get; private set; } = null!;

        public MoveOptions Moves { get; set; } = new();

        public PartitionLog Log => Manager.GetOrCreate(LogRig.Partition, LogRig.TopicId, _config);

        public ErrorCode Move(int directory) => Manager.Move(LogRig.Partition, Manager.Directories[directory]);

        public void Step(int count)
        {
            for (int i = 0; i < count; i++)
            {
                Manager.Mover.StepNext(out _);
            }
        }

        public void Finish()
        {
            for (int i = 0; Manager.Mover.StepNext(out _); i++)
            {
                Assert.True(i < 1000, "the move ends");
            }
        }

        public void Append(int count, int epoch = 0)
        {
            for (int i = 0; i < count; i++)
            {
                Assert.Equal(ErrorCode.None, Log.AppendAsLeader(Batches.Of($"record {_appended++}"), epoch, AppendOrigin.Client).Error);
            }

            Log.AdvanceHighWatermark(long.MaxValue);
        }

        public void AppendKeyed(int count)
        {
            for (int i = 0; i < count; i++)
            {
                Assert.Equal(ErrorCode.None, Log.AppendAsLeader(Batches.Keyed($"k{i % 3}", $"{_appended++}"), 0, AppendOrigin.Client).Error);
            }

            Log.AdvanceHighWatermark(long.MaxValue);
        }

        public string Checkpoint(int directory) => File.ReadAllText(Path.Combine(Manager.Directories[directory].Path, OffsetCheckpoint.CleanerOffsets));

        public void Stop() => Manager.ShutdownAsync().GetAwaiter().GetResult();

        public void Restart()
        {
            Stop();
            Open();
        }

        public void Crash(Action meanwhile)
        {
            Manager.Abandon();
            meanwhile();
            Open();
        }

        public void Advance(TimeSpan time)
        {
            _clock.Advance(time);
            Manager.Maintenance.RunDue();
        }

        public void Open()
        {
            LogManagerOptions options = new()
            {
                Directories = [_directory["a"], _directory["b"], _directory["c"]], BrokerId = 1, ClusterId = "cluster", ConfigOf = _ => _config, HasThreads = false,
                Cleaner = static () => new CleanerOptions(), Moves = () => Moves,
            };
            Manager = new LogManager(options, _clock, NullLoggerFactory.Instance);
            Manager.LoadAsync(CancellationToken.None).GetAwaiter().GetResult();
            _ = Log;
        }

        public void Dispose()
        {
            Manager.Abandon();
            _directory.Dispose();
        }
    }
}
