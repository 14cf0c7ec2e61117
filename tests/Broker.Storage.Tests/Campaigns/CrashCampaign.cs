namespace Broker.Storage.Tests;

/// <summary>Runs random lives of a log and cuts the power before every operation that changes the disk.</summary>
internal sealed class CrashCampaign
{
    private const int StepsPerSeed = 60;

    private readonly Func<SimulatedDisk> _newDisk;

    public CrashCampaign(Func<SimulatedDisk>? newDisk = null) => _newDisk = newDisk ?? (static () => new SimulatedDisk());

    public int CrashPoints { get; private set; }

    /// <summary>Seeds from <paramref name="firstSeed"/> on until that many crash points were tried. A failure names its seed.</summary>
    public void Run(int firstSeed, int crashPoints)
    {
        for (int seed = firstSeed; CrashPoints < crashPoints; seed++)
        {
            RunSeed(seed);
        }
    }

    public void RunSeed(int seed)
    {
        SimulatedDisk disk = _newDisk();
        CampaignRun run = new(seed, disk);
        Random random = new(seed);
        CampaignCheck check = new(run.Model, run.Config, run.Clock);
        int operations = 0;
        string at = "";
        try
        {
            disk.CreateDirectory(CampaignRun.Root);
            disk.FlushFileSystem("/");
            disk.Before = (operation, path) =>
            {
                if (operation is DiskOperation.Read or DiskOperation.Open or DiskOperation.List)
                {
                    return;
                }

                at = $"{operations++} ({operation} {path})";
                CrashPoints++;
                long promised = run.Log is { } log ? Math.Max(run.Model.Flushed, Math.Min(log.RecoveryPoint, run.Model.MinEnd)) : run.Model.Flushed;
                check.Check(disk.AfterCrash(random), promised, random, goesOn: random.Next(4) == 0);
            };
            run.Start();
            for (int step = 0; step < StepsPerSeed; step++)
            {
                Assert.True(run.Step(), "the directory stays online");
            }

            run.Restart();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"Crash campaign, seed {seed} (replay: BROKER_CRASH_SEED={seed}), power cut before disk operation {at}, after: {run.History}", e);
        }
        finally
        {
            disk.Before = null;
            run.Manager?.Abandon();
        }
    }
}
