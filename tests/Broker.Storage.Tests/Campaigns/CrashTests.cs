using Xunit.Abstractions;

namespace Broker.Storage.Tests;

/// <summary>A power cut before every disk operation: nothing flushed is lost, and what is left is a consistent log.</summary>
public class CrashTests(ITestOutputHelper output)
{
    [Fact]
    public void A_power_cut_at_any_disk_operation_loses_nothing_that_was_flushed()
    {
        int seed = CampaignSize.Of("BROKER_CRASH_SEED", 1);
        int crashPoints = CampaignSize.Of("BROKER_CRASH_POINTS", 10_000);
        CrashCampaign campaign = new();
        output.WriteLine($"BROKER_CRASH_SEED={seed} BROKER_CRASH_POINTS={crashPoints}");
        campaign.Run(seed, crashPoints);
        Assert.True(campaign.CrashPoints >= crashPoints);
    }
}
