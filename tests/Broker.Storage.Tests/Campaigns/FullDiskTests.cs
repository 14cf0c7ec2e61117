using Xunit.Abstractions;

namespace Broker.Storage.Tests;

/// <summary>
/// The disk runs full after the n-th byte of a random life, for every n that is tried: the log stays consistent and readable, nothing acknowledged is lost, and it goes on as
/// soon as there is room.
/// </summary>
public class FullDiskTests(ITestOutputHelper output)
{
    private const int Steps = 25;

    [Fact]
    public void Wherever_the_disk_runs_full_nothing_acknowledged_is_lost_and_it_goes_on_later()
    {
        int first = CampaignSize.Of("BROKER_FULL_SEED", 1);
        int seeds = CampaignSize.Of("BROKER_FULL_SEEDS", 6);
        int stride = CampaignSize.Of("BROKER_FULL_STRIDE", 97);
        output.WriteLine($"BROKER_FULL_SEED={first} BROKER_FULL_SEEDS={seeds} BROKER_FULL_STRIDE={stride}");
        int lives = 0;
        for (int seed = first; seed < first + seeds; seed++)
        {
            for (int room = seed % stride; Run(seed, room); room += stride)
            {
                lives++;
            }
        }

        output.WriteLine($"{lives} lives on a disk that ran full");
        Assert.True(lives > 0);
    }

    [Fact]
    public void Wherever_the_disk_of_a_compacted_log_runs_full_the_newest_values_stay_and_it_goes_on_later()
    {
        int first = CampaignSize.Of("BROKER_FULL_SEED", 1);
        int seeds = CampaignSize.Of("BROKER_FULL_SEEDS", 6);
        int stride = CampaignSize.Of("BROKER_FULL_STRIDE", 97);
        int lives = 0;
        for (int seed = first; seed < first + seeds; seed++)
        {
            for (int room = seed % stride; RunCompacted(seed, room); room += stride)
            {
                lives++;
            }
        }

        output.WriteLine($"BROKER_FULL_SEED={first} BROKER_FULL_SEEDS={seeds} BROKER_FULL_STRIDE={stride}: {lives} lives on a disk that ran full");
        Assert.True(lives > 0);
    }

    private static bool RunCompacted(int seed, int room)
    {
        SimulatedDisk disk = new();
        disk.CreateDirectory(CampaignRun.Root);
        CompactedLife life = new(seed, disk);
        bool hasRunFull = false;
        try
        {
            life.Start();
            disk.Room = room;
            for (int step = 0; step < 2 * Steps && life.Step(); step++)
            {
                hasRunFull |= life.Manager!.Directories[0].Room == DiskRoom.None;
            }

            Assert.False(life.IsOffline, "a full disk takes no directory offline");
            disk.Room = null;
            life.FindRoom();
            life.CheckNow();
            long end = life.Log!.LogEndOffset;
            life.Append();
            Assert.True(life.Log.LogEndOffset > end, "appends go on");
            for (int step = 0; step < 8; step++)
            {
                Assert.True(life.Step(), "the directory stays online");
                life.CheckNow();
            }

            life.Manager!.Abandon();
            life.CheckAfterCrash(disk, life.Log.LogEndOffset, goesOn: true);
            return hasRunFull;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed} (replay: BROKER_FULL_SEED={seed}), full after {room} bytes, after: {life.History}", e);
        }
    }

    /// <summary>False when the life was over before that many bytes were written.</summary>
    private static bool Run(int seed, int room)
    {
        SimulatedDisk disk = new();
        disk.CreateDirectory(CampaignRun.Root);
        CampaignRun run = new(seed, disk);
        bool hasRunFull = false;
        try
        {
            run.Start();
            disk.Room = room;
            for (int step = 0; step < Steps && run.Log is not null && run.Step(); step++)
            {
                hasRunFull |= run.Manager!.Directories[0].Room == DiskRoom.None;
            }

            bool wasReplaced = run.Log is null;
            disk.Room = null;
            Assert.False(run.IsOffline, "a full disk takes no directory offline");
            GoOn(run, disk, seed, wasReplaced);

            run.Manager!.Abandon();
            run.NewCheck().Check(disk, run.Model.MinEnd, new Random(seed), goesOn: true);
            return hasRunFull;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed} (replay: BROKER_FULL_SEED={seed}), full after {room} bytes, after: {run.History}", e);
        }
    }

    /// <summary>With room again, and without a restart: what is there is right, and more is taken.</summary>
    private static void GoOn(CampaignRun run, SimulatedDisk disk, int seed, bool wasReplaced)
    {
        run.Clock.Advance(TimeSpan.FromSeconds(3));
        run.Manager!.Space.Check();
        Assert.Equal(DiskRoom.Plenty, run.Manager.Directories[0].Room);
        if (wasReplaced)
        {
            Assert.Equal(0, run.Manager.GetOrCreate(LogRig.Partition, run.Model.TopicId, run.Config).LogEndOffset);
            return;
        }

        run.NewCheck().CheckLog(disk, run.Log!, run.Model.MinEnd, new Random(seed));
        long end = run.Log!.LogEndOffset;
        run.Append();
        Assert.True(run.Log.LogEndOffset > end, "appends go on");
        for (int step = 0; step < 5; step++)
        {
            Assert.True(run.Step(), "the directory stays online");
        }
    }
}
