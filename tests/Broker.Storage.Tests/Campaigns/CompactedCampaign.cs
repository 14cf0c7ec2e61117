namespace Broker.Storage.Tests;

/// <summary>Runs random lives of a compacted log and cuts the power before every operation that changes the disk.</summary>
internal sealed class CompactedCampaign(Func<SimulatedDisk>? newDisk = null)
{
    private const int StepsPerSeed = 80;

    private readonly Func<SimulatedDisk> _newDisk = newDisk ?? (static () => new SimulatedDisk());

    public int CrashPoints { get; private set; }

    public int Passes { get; private set; }

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
        CompactedLife life = new(seed, disk);
        Random random = new(seed);
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
                life.CheckAfterCrash(disk.AfterCrash(random), life.Promised, goesOn: random.Next(4) == 0);
            };
            life.Start();
            for (int step = 0; step < StepsPerSeed; step++)
            {
                Assert.True(life.Step(), "the directory stays online");
            }
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(
                $"Crash campaign, seed {seed} (replay: BROKER_CRASH_SEED={seed}), power cut before disk operation {at}, after: {life.History}", e);
        }
        finally
        {
            disk.Before = null;
            Passes += life.Passes;
            life.Manager?.Abandon();
        }
    }
}
