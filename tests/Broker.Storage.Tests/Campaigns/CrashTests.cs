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
        CrashCampaign campaign = new(CrashCampaign.Usual);
        output.WriteLine($"BROKER_CRASH_SEED={seed} BROKER_CRASH_POINTS={crashPoints}");
        campaign.Run(seed, crashPoints);
        Assert.True(campaign.CrashPoints >= crashPoints);
    }

    [Fact]
    public void A_power_cut_at_any_disk_operation_of_a_compacted_log_loses_no_newest_value_and_brings_nothing_back()
    {
        int seed = CampaignSize.Of("BROKER_CRASH_SEED", 1);
        int crashPoints = CampaignSize.Of("BROKER_CRASH_POINTS", 10_000);
        int passes = 0;
        CrashCampaign campaign = new((s, disk) => new CompactedLife(s, disk) { OnPass = () => passes++ });
        campaign.Run(seed, crashPoints);
        output.WriteLine($"BROKER_CRASH_SEED={seed} BROKER_CRASH_POINTS={crashPoints}: {passes} passes of the cleaner");
        Assert.True(campaign.CrashPoints >= crashPoints && passes > 0);
    }

    [Fact]
    public void A_power_cut_at_any_disk_operation_of_a_move_to_another_directory_loses_nothing_that_was_flushed()
    {
        int seed = CampaignSize.Of("BROKER_CRASH_SEED", 1);
        int crashPoints = CampaignSize.Of("BROKER_CRASH_POINTS", 10_000);
        int moved = 0;
        CrashCampaign campaign = new((s, disk) => new CampaignRun(s, disk, hasMoves: true) { OnMoved = () => moved++ });
        campaign.Run(seed, crashPoints);
        output.WriteLine($"BROKER_CRASH_SEED={seed} BROKER_CRASH_POINTS={crashPoints}: {moved} moves");
        Assert.True(campaign.CrashPoints >= crashPoints && moved > 0);
    }
}
