using Xunit.Abstractions;

namespace Broker.Storage.Tests;

/// <summary>
/// The n-th disk operation of a random life fails and all later ones with it, for every n. The directory goes offline or the start is refused, and with a healthy disk everything
/// acknowledged is there.
/// </summary>
public class FailureTests(ITestOutputHelper output)
{
    private const int Steps = 25;

    [Fact]
    public void Whichever_disk_operation_fails_nothing_acknowledged_is_lost()
    {
        int first = CampaignSize.Of("BROKER_FAILURE_SEED", 1);
        int seeds = CampaignSize.Of("BROKER_FAILURE_SEEDS", 3);
        output.WriteLine($"BROKER_FAILURE_SEED={first} BROKER_FAILURE_SEEDS={seeds}");
        for (int seed = first; seed < first + seeds; seed++)
        {
            for (int failing = 0; Run(seed, failing); failing++)
            {
            }
        }
    }

    /// <summary>The same with two directories of which one fails, and moves between them: with the other one the log goes on, if it is there.</summary>
    [Fact]
    public void Whichever_operation_of_a_directory_fails_during_a_move_nothing_acknowledged_is_lost()
    {
        int first = CampaignSize.Of("BROKER_FAILURE_SEED", 1);
        int seeds = CampaignSize.Of("BROKER_FAILURE_SEEDS", 4);
        output.WriteLine($"BROKER_FAILURE_SEED={first} BROKER_FAILURE_SEEDS={seeds}");
        for (int seed = first; seed < first + seeds; seed++)
        {
            string failing = seed % 2 == 0 ? CampaignRun.Root : CampaignRun.SecondRoot;
            for (int operation = 0; RunMoving(seed, failing, operation); operation++)
            {
            }
        }
    }

    private static bool RunMoving(int seed, string directory, int failing)
    {
        SimulatedDisk disk = new();
        disk.CreateDirectory(CampaignRun.Root);
        disk.CreateDirectory(CampaignRun.SecondRoot);
        CampaignRun run = new(seed, disk, hasMoves: true);
        int operations = 0;
        string where = "";
        disk.Before = (operation, path) =>
        {
            if (path.StartsWith(directory, StringComparison.Ordinal) && operations++ >= failing)
            {
                where = where.Length > 0 ? where : $"{operation} {path}";
                throw new IOException("Input/output error");
            }
        };
        try
        {
            try
            {
                run.Start();
                for (int step = 0; step < Steps && run.Step(); step++)
                {
                }
            }
            catch (Exception e) when (e is LoadException or NoLogDirectoryException && where.Length > 0)
            {
            }

            if (run is { Log: { IsOffline: false } log, Model.IsReplaced: false } && log.LogEndOffset > 0)
            {
                while (run.Manager!.Mover.StepNext(out _))
                {
                }

                disk.Before = null;
                run.NewCheck().CheckLog(disk, log, run.Model.MinEnd, new Random(seed));
            }

            disk.Before = null;
            run.Manager?.Abandon();
            run.NewCheck().Check(disk, run.Model.MinEnd, new Random(seed), goesOn: true);
            return where.Length > 0;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed} (replay: BROKER_FAILURE_SEED={seed}), {directory} fails from operation {failing} ({where}) on, after: {run.History}", e);
        }
    }

    /// <summary>False when the life was over before that many operations.</summary>
    private static bool Run(int seed, int failing)
    {
        SimulatedDisk disk = new();
        disk.CreateDirectory(CampaignRun.Root);
        CampaignRun run = new(seed, disk);
        int operations = 0;
        bool hasFailed = false;
        string where = "";
        disk.Before = (operation, path) =>
        {
            if (operations++ >= failing)
            {
                where = hasFailed ? where : $"{operation} {path}";
                hasFailed = true;
                throw new IOException("Input/output error");
            }
        };
        try
        {
            Live(run, () => hasFailed);
            disk.Before = null;
            run.Manager?.Abandon();
            run.NewCheck().Check(disk, run.Model.MinEnd, new Random(seed), goesOn: true);
            return hasFailed;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed} (replay: BROKER_FAILURE_SEED={seed}), failing from operation {failing} ({where}) on, after: {run.History}", e);
        }
    }

    private static void Live(CampaignRun run, Func<bool> hasFailed)
    {
        try
        {
            run.Start();
            for (int step = 0; step < Steps && run.Step(); step++)
            {
            }

            Assert.Equal(hasFailed(), run.IsOffline);
        }
        catch (Exception e) when (e is LoadException or NoLogDirectoryException && hasFailed())
        {
            // The start was refused.
        }
    }
}
