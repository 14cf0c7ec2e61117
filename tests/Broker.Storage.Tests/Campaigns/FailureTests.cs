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
            new CampaignCheck(run.Model, run.Config, run.Clock).Check(disk, run.Model.MinEnd, new Random(seed), goesOn: true);
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
