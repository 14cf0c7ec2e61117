using Xunit.Abstractions;

namespace Broker.Storage.Tests;

/// <summary>A flipped bit, a cut or a lost file anywhere in a log directory: refused, built again or cut, never served.</summary>
public class DamageCampaignTests(ITestOutputHelper output)
{
    [Fact]
    public void A_damaged_file_is_refused_built_again_or_cut_and_never_served()
    {
        int seed = CampaignSize.Of("BROKER_DAMAGE_SEED", 1);
        int points = CampaignSize.Of("BROKER_DAMAGE_POINTS", 5_000);
        output.WriteLine($"BROKER_DAMAGE_SEED={seed} BROKER_DAMAGE_POINTS={points}");
        DamageCampaign campaign = new();
        campaign.Run(seed, points);
        foreach ((string outcome, int count) in campaign.Outcomes)
        {
            output.WriteLine($"{count,7} {outcome}");
        }

        output.WriteLine($"{campaign.Unprotected,7} wrong base offsets where Kafka's format has nothing to know them by");
        Assert.Equal(points, campaign.Points);
    }

    [Fact]
    public void A_left_out_check_of_checksums_is_noticed() => IsNoticed(Omission.Checksums);

    [Fact]
    public void A_left_out_check_of_index_entries_is_noticed() => IsNoticed(Omission.IndexEntries);

    private static void IsNoticed(Omission omits) =>
        Assert.Contains("Damage campaign, seed", Assert.Throws<InvalidOperationException>(() => new DamageCampaign(omits).Run(1, 5_000)).Message, StringComparison.Ordinal);
}
