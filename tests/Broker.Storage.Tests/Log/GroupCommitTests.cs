using Broker.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Broker.Storage.Tests;

/// <summary>flush.messages=1: everybody waits for the disk, and shares the waiting.</summary>
public class GroupCommitTests
{
    [Fact]
    public async Task Appends_that_come_while_a_flush_runs_share_the_next_one()
    {
        GatedFiles files = new();
        using LogRig rig = new(LogRig.Topic(("flush.messages", "1")), files);
        PartitionLog log = rig.Log;
        files.Close();
        Task<ErrorCode> first = AppendAsync(log, 0);
        await files.Entered.Task;
        int before = files.Flushes;
        Task<ErrorCode>[] others = [.. Enumerable.Range(1, 100).Select(i => AppendAsync(log, i))];
        Assert.False(first.IsCompleted);
        Assert.DoesNotContain(others, other => other.IsCompleted);
        Assert.Equal(0, log.RecoveryPoint);

        files.Open();
        Assert.All(await Task.WhenAll([first, .. others]), error => Assert.Equal(ErrorCode.None, error));
        Assert.Equal(101, log.RecoveryPoint);
        // The second flush of the log file serves the hundred that came during the first; it syncs the file once, and nothing else is dirty.
        Assert.InRange(files.Flushes - before, 1, 3);
    }

    [Fact]
    public async Task A_failed_flush_is_told_to_all_who_wait_and_to_those_who_come()
    {
        GatedFiles files = new();
        using LogRig rig = new(LogRig.Topic(("flush.messages", "1")), files);
        PartitionLog log = rig.Log;
        files.Close();
        Task<ErrorCode> first = AppendAsync(log, 0);
        await files.Entered.Task;
        Task<ErrorCode>[] others = [.. Enumerable.Range(1, 10).Select(i => AppendAsync(log, i))];
        files.IsBroken = true;
        files.Open();

        Assert.All(await Task.WhenAll([first, .. others]), error => Assert.Equal(ErrorCode.KafkaStorageError, error));
        Assert.Equal(ErrorCode.KafkaStorageError, log.AppendAsLeader(Batches.Of("late"), 0, AppendOrigin.Client).Error);
        Assert.False(rig.Manager.Directories[0].IsOnline);
    }

    private static Task<ErrorCode> AppendAsync(PartitionLog log, int n)
    {
        AppendResult result = log.AppendAsLeader(Batches.Of($"{n}"), 0, AppendOrigin.Client);
        Assert.Equal(ErrorCode.None, result.Error);
        Assert.True(result.IsFlushDue);
        return log.FlushAsync();
    }

    /// <summary>A disk whose syncs wait at a gate.</summary>
    private sealed class GatedFiles : LogFiles
    {
        private readonly ManualResetEventSlim _gate = new(true);
        private int _flushes;

        public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Flushes => Volatile.Read(ref _flushes);

        public bool IsBroken { get; set; }

        public void Close() => _gate.Reset();

        public void Open() => _gate.Set();

        public override void Flush(SafeFileHandle file)
        {
            Interlocked.Increment(ref _flushes);
            if (!_gate.IsSet)
            {
                Entered.TrySetResult();
                _gate.Wait();
            }

            if (IsBroken)
            {
                throw new IOException("the disk is gone");
            }

            base.Flush(file);
        }
    }
}
