namespace Broker.Storage.Tests;

/// <summary>Runs random lives of a log and cuts the power before every operation that changes the disk.</summary>
internal sealed class CrashCampaign(Func<int, SimulatedDisk, ICrashLife> newLife, Func<SimulatedDisk>? newDisk = null)
{
    private const int StepsPerSeed = 60;

    private readonly Func<SimulatedDisk> _newDisk = newDisk ?? (static () => new SimulatedDisk());

    public int CrashPoints { get; private set; }

    /// <summary>The usual life.</summary>
    public static ICrashLife Usual(int seed, SimulatedDisk disk) => new CampaignRun(seed, disk);

    /// <summary>One with two log directories between which the log moves.</summary>
    public static ICrashLife Moving(int seed, SimulatedDisk disk) => new CampaignRun(seed, disk, hasMoves: true);

    /// <summary>Seeds from <paramref name="firstSeed"/> on until that many crash points were tried. A failure names its seed.</summary>
    public void Run(int firstSeed, int crashPoints)
    {
        for (int seed = firstSeed; CrashPoints < crashPoints; seed++)
        {
            RunSeed(seed);
        }
    }

    private void RunSeed(int seed)
    {
        SimulatedDisk disk = _newDisk();
        ICrashLife life = newLife(seed, disk);
        Random random = new(seed);
        int operations = 0;
        string at = "";
        try
        {
            disk.CreateDirectory(CampaignRun.Root);
            disk.CreateDirectory(CampaignRun.SecondRoot);
            disk.FlushFileSystem("/");
            disk.Before = (operation, path) =>
            {
                if (operation is DiskOperation.Read or DiskOperation.Open or DiskOperation.List)
                {
                    return;
                }

                at = $"{operations++} ({operation} {path})";
                CrashPoints++;
                life.CheckAfterCrash(disk.AfterCrash(random), random);
            };
            life.Start();
            for (int step = 0; step < StepsPerSeed; step++)
            {
                Assert.True(life.Step(), "the directory stays online");
            }

            // The last of it: everything is flushed and marked clean.
            life.Manager!.ShutdownAsync().GetAwaiter().GetResult();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"Crash campaign, seed {seed} (replay: BROKER_CRASH_SEED={seed}), power cut before disk operation {at}, after: {life.History}", e);
        }
        finally
        {
            disk.Before = null;
            life.Manager?.Abandon();
        }
    }
}
