using Broker.Configuration;
using Broker.Protocol;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.Storage.Tests;

public class LogManagerTests
{
    [Fact]
    public async Task A_directory_in_use_is_refused_and_free_again_after_the_stop()
    {
        using TempDirectory directory = new();
        LogManager first = await Start([directory.Path]);

        LoadException refusal = await Assert.ThrowsAsync<LoadException>(() => Start([directory.Path]));
        Assert.Equal(
            $"Failed to acquire lock on file .lock in {directory.Path}. A Kafka instance in another process or thread is using this directory.", refusal.Message);

        await first.ShutdownAsync();
        await (await Start([directory.Path])).ShutdownAsync();
    }

    [Fact]
    public async Task A_manager_that_was_refused_writes_nothing_into_the_directory()
    {
        using LogRig owner = new();
        owner.Append(Batches.Of("a"));
        owner.Advance(TimeSpan.FromMinutes(1));
        string checkpoint = Path.Combine(owner.Root, OffsetCheckpoint.HighWatermarks);
        string before = File.ReadAllText(checkpoint);
        LogManager refused = new(new LogManagerOptions { Directories = [owner.Root], BrokerId = 1 }, TimeProvider.System, NullLoggerFactory.Instance);
        await Assert.ThrowsAsync<LoadException>(() => refused.LoadAsync(CancellationToken.None));
        await refused.DisposeAsync();

        Assert.Equal(before, File.ReadAllText(checkpoint));
        Assert.False(File.Exists(Path.Combine(owner.Root, LogDirectory.CleanShutdownMarker)));
    }

    [Theory]
    [InlineData("version=0\nbroker.id=1\ncluster.id=other\n", "Invalid cluster.id in: {0}/meta.properties. Expected cluster, but read other")]
    [InlineData("broker.id=2\ncluster.id=cluster\n", "Stored node id 2 doesn't match previous node id 1 in {0}/meta.properties.")]
    [InlineData("version=1\nnode.id=1\ncluster.id=cluster\n", "Found unexpected version in {0}/meta.properties.")]
    public async Task Directories_of_another_broker_are_refused(string content, string expected)
    {
        using TempDirectory directory = new();
        File.WriteAllText(directory["meta.properties"], content);

        LoadException refusal = await Assert.ThrowsAsync<LoadException>(() => Start([directory.Path]));
        Assert.StartsWith(string.Format(expected, directory.Path), refusal.Message);
    }

    [Fact]
    public async Task Meta_properties_as_java_writes_them_are_read()
    {
        using TempDirectory directory = new();
        File.WriteAllText(directory["meta.properties"], "#\n#Tue Nov 24 11:00:00 UTC 2026\ncluster.id=cl\\=us:ter\nversion=0\nbroker.id=1\n");

        Assert.Equal(new MetaProperties(0, "cl=us:ter", 1), MetaProperties.Read(directory.Path));
        await (await Start([directory.Path], clusterId: null)).ShutdownAsync();
        Assert.Equal(new MetaProperties(0, "cl=us:ter", 1), MetaProperties.Read(directory.Path));
    }

    [Fact]
    public async Task A_stray_directory_is_named()
    {
        using TempDirectory directory = new();
        Directory.CreateDirectory(directory["lost+found"]);

        LoadException refusal = await Assert.ThrowsAsync<LoadException>(() => Start([directory.Path]));
        Assert.StartsWith(
            $"Found directory {directory["lost+found"]}, 'lost+found' is not in the form of topic-partition or topic-partition.uniqueId-delete (if marked for deletion).",
            refusal.Message);
    }

    [Fact]
    public async Task Two_directories_with_the_same_partition_are_refused()
    {
        using TempDirectory directory = new();
        string[] paths = [directory["a"], directory["b"]];
        Directory.CreateDirectory(directory["a", "t-0"]);
        Directory.CreateDirectory(directory["b", "t-0"]);

        LoadException refusal = await Assert.ThrowsAsync<LoadException>(() => Start(paths));
        Assert.StartsWith("Duplicate log directories for t-0 are found in both", refusal.Message);
        await Assert.ThrowsAsync<LoadException>(() => Start([paths[0], paths[0] + "/"]));
    }

    [Fact]
    public async Task New_logs_go_to_the_directory_with_the_fewest()
    {
        using TempDirectory directory = new();
        LogManager manager = await Start([directory["a"], directory["b"]]);
        for (int i = 0; i < 6; i++)
        {
            manager.GetOrCreate(new TopicPartition("t", i), LogRig.TopicId, TopicConfig.Default);
        }

        Assert.Equal([3, 3], manager.Directories.Select(d => d.Logs.Count));
        Assert.True(manager.Directories[0].TotalBytes > manager.Directories[0].UsableBytes);
        await manager.ShutdownAsync();
        manager = await Start([directory["a"], directory["b"]]);
        Assert.Equal(6, manager.Logs.Count);
        Assert.Equal(LogRig.TopicId, manager.Find(new TopicPartition("t", 3))!.TopicId);
        await manager.ShutdownAsync();
    }

    [Fact]
    public void A_deleted_log_is_gone_at_once_and_its_files_after_the_delay()
    {
        using LogRig rig = new(LogRig.Topic(("file.delete.delay.ms", "60000")));
        rig.Append(Batches.Of("a"));
        PartitionLog old = rig.Log;
        ReadResult reading = old.Read(0, int.MaxValue, true, long.MaxValue);
        rig.Manager.Delete(LogRig.Partition);

        Assert.Null(rig.Manager.Find(LogRig.Partition));
        Assert.Equal(ErrorCode.NotLeaderOrFollower, old.AppendAsLeader(Batches.Of("b"), 0, AppendOrigin.Client).Error);
        Assert.NotEmpty(LogReader.Bytes(reading));
        Assert.Equal(0, rig.Log.LogEndOffset);
        rig.Append(Batches.Of("new"));

        // Re-queued by the next start.
        rig.Restart();
        Assert.Single(Directory.GetDirectories(rig.Root, "*-delete"));
        rig.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(Directory.GetDirectories(rig.Root, "*-delete"));
        Assert.Equal([(0L, "new")], LogReader.Records(rig.Log, 0));
    }

    [Fact]
    public void A_namesake_does_not_inherit_the_checkpoints_of_a_deleted_log()
    {
        using LogRig rig = new();
        for (int i = 0; i < 10; i++)
        {
            rig.Append(Batches.Of($"{i}"));
        }

        rig.Log.DeleteRecords(9);
        rig.Restart();
        rig.Manager.Delete(LogRig.Partition);
        rig.Append(Batches.Of("new"));
        rig.Crash();

        Assert.Equal([(0L, "new")], LogReader.Records(rig.Log, 0));
    }

    [Fact]
    public void Checkpoints_are_written_on_their_own_clocks()
    {
        using LogRig rig = new();
        string highWatermarks = Path.Combine(rig.Root, OffsetCheckpoint.HighWatermarks);
        string recoveryPoints = Path.Combine(rig.Root, OffsetCheckpoint.RecoveryPoints);
        rig.Append(Batches.Of("a"));
        rig.Log.Flush();

        rig.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal("0\n1\nt 0 1\n", File.ReadAllText(highWatermarks));
        Assert.False(File.Exists(recoveryPoints));
        rig.Advance(TimeSpan.FromSeconds(55));
        // One below the end while the segment grows: its indexes are not flushed yet, so a crash has to check it.
        Assert.Equal("0\n1\nt 0 0\n", File.ReadAllText(recoveryPoints));
        rig.Crash();
        Assert.Equal(1, rig.Log.HighWatermark);
        rig.Stop();
        Assert.Equal("0\n1\nt 0 1\n", File.ReadAllText(recoveryPoints));
    }

    [Theory]
    [InlineData("1\n0\n")]
    [InlineData("0\n2\nt 0 1\n")]
    [InlineData("0\n1\nt zero 1\n")]
    [InlineData("")]
    public void A_damaged_checkpoint_costs_a_longer_recovery_only(string content)
    {
        using LogRig rig = new();
        rig.Append(Batches.Of("a"));
        rig.Crash(() =>
        {
            File.WriteAllText(Path.Combine(rig.Root, OffsetCheckpoint.RecoveryPoints), content);
            File.WriteAllText(Path.Combine(rig.Root, OffsetCheckpoint.LogStartOffsets), content);
            File.WriteAllText(Path.Combine(rig.Root, OffsetCheckpoint.HighWatermarks), content);
        });

        Assert.Equal([(0L, "a")], LogReader.Records(rig.Log, 0));
    }

    private static async Task<LogManager> Start(string[] directories, string? clusterId = "cluster")
    {
        LogManager manager = new(new LogManagerOptions { Directories = directories, BrokerId = 1, ClusterId = clusterId }, TimeProvider.System, NullLoggerFactory.Instance);
        await manager.LoadAsync(CancellationToken.None);
        return manager;
    }
}
