using Broker.Protocol;

namespace Broker.Storage.Tests;

/// <summary>Appends, reads, truncation and deletion beside the cleaner's own threads.</summary>
public class CleaningConcurrencyTests
{
    private const int Batches = 1500;

    [Fact]
    public async Task Readers_see_every_key_at_its_last_value_while_logs_are_cleaned()
    {
        using CleaningRig rig = new(("segment.bytes", "2000"), ("file.delete.delay.ms", "0"));
        PartitionLog log = rig.Log;
        using CancellationTokenSource done = new();
        Task cleaner = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                rig.Clean();
                rig.Rig.Advance(TimeSpan.FromSeconds(1));
            }
        });
        Task reader = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                Assert.All(StoredBatch.All(log).SelectMany(b => b.Records), r => Assert.Equal($"{r.Offset}", r.Value));
            }
        });
        for (int i = 0; i < Batches; i++)
        {
            rig.Put($"key{i % 7}={i}");
        }

        await done.CancelAsync();
        await Task.WhenAll(cleaner, reader);
        while (rig.Clean())
        {
        }

        Assert.Equal(Enumerable.Range(Batches - 7, 7).Select(i => (long)i), StoredBatch.Visible(log).Select(r => r.Offset).TakeLast(7));
        Assert.True(log.CleanedUpTo > 0);
    }

    [Fact]
    public async Task Truncations_and_deletions_win_and_the_directory_stays_online()
    {
        using CleaningRig rig = new(("segment.bytes", "500"), ("file.delete.delay.ms", "0"));
        using CancellationTokenSource done = new();
        Task cleaner = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                rig.Clean();
            }
        });
        for (int round = 0; round < 40; round++)
        {
            for (int i = 0; i < 30; i++)
            {
                rig.Put($"key{i % 5}={i}");
            }

            PartitionLog log = rig.Log;
            switch (round % 3)
            {
                case 0:
                    Assert.Equal(ErrorCode.None, log.TruncateTo(log.LogStartOffset + 10));
                    break;
                case 1:
                    Assert.Equal(ErrorCode.None, log.DeleteRecords(log.HighWatermark / 2));
                    break;
                default:
                    rig.Rig.Manager.Delete(LogRig.Partition);
                    break;
            }

            rig.Rig.Advance(TimeSpan.FromSeconds(1));
        }

        await done.CancelAsync();
        await cleaner;
        Assert.True(rig.Rig.Manager.Directories[0].IsOnline);
        rig.Put("key0=end");
        Assert.Equal("end", StoredBatch.Visible(rig.Log)[^1].Value);
    }
}
