using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server.Tests;

/// <summary>Feature levels: what ApiVersions says of them and how UpdateFeatures changes them.</summary>
public sealed class FeatureTests
{
    private const string Feature = "transaction.version";

    [Fact]
    public async Task A_new_broker_offers_the_feature_and_has_its_highest_level_in_force()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        ApiVersionsResponse current = await VersionsAsync(broker, 4);
        Assert.Equal((Feature, (short)0, (short)2), current.SupportedFeatures.ToArray().Select(f => (f.Name, f.MinVersion, f.MaxVersion)).Single());
        Assert.Equal((Feature, (short)2, (short)2), current.FinalizedFeatures.ToArray().Select(f => (f.Name, f.MinVersionLevel, f.MaxVersionLevel)).Single());

        // Clients of that version cannot read features that begin at level 0.
        ApiVersionsResponse older = await VersionsAsync(broker, 3);
        Assert.Empty(older.SupportedFeatures.ToArray());
        Assert.Single(older.FinalizedFeatures.ToArray());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Levels_go_up_and_down_and_survive_a_restart(int version)
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        long epoch = (await VersionsAsync(broker, 4)).FinalizedFeaturesEpoch;

        Assert.Equal(ErrorCode.InvalidUpdateVersion, await UpdateAsync(broker, version, Feature, 1, downgrade: false));
        Assert.Equal(ErrorCode.InvalidUpdateVersion, await UpdateAsync(broker, version, Feature, 3, downgrade: false));
        Assert.Equal(ErrorCode.InvalidUpdateVersion, await UpdateAsync(broker, version, "odd.version", 1, downgrade: false));
        Assert.Equal(2, await LevelAsync(broker));
        Assert.Equal(ErrorCode.None, await UpdateAsync(broker, version, Feature, 0, downgrade: true));
        Assert.Equal(0, await LevelAsync(broker));
        Assert.Equal(ErrorCode.None, await UpdateAsync(broker, version, Feature, 1, downgrade: false));
        await broker.RestartAsync();
        Assert.Equal(1, await LevelAsync(broker));
        Assert.Equal(epoch + 2, (await VersionsAsync(broker, 4)).FinalizedFeaturesEpoch);
    }

    [Fact]
    public async Task A_dry_run_changes_nothing()
    {
        await using TestBroker broker = await TestBroker.StartAsync();
        Assert.Equal(ErrorCode.None, await UpdateAsync(broker, 1, Feature, 0, downgrade: true, validateOnly: true));
        Assert.Equal(2, await LevelAsync(broker));
    }

    private static Task<ApiVersionsResponse> VersionsAsync(TestBroker broker, int version) => broker.AskAsync<ApiVersionsResponse>(
        ApiKey.ApiVersions, version, new ApiVersionsRequest { ClientSoftwareName = "test", ClientSoftwareVersion = "1" });

    private static async Task<int> LevelAsync(TestBroker broker) =>
        (await VersionsAsync(broker, 4)).FinalizedFeatures.ToArray().Where(f => f.Name == Feature).Select(f => f.MaxVersionLevel).SingleOrDefault();

    private static async Task<ErrorCode> UpdateAsync(TestBroker broker, int version, string feature, short level, bool downgrade, bool validateOnly = false)
    {
        UpdateFeaturesResponse response = await broker.AskAsync<UpdateFeaturesResponse>(ApiKey.UpdateFeatures, version, new UpdateFeaturesRequest
        {
            ValidateOnly = validateOnly,
            FeatureUpdates = new UpdateFeaturesRequest.FeatureUpdateKey[]
            {
                new() { Feature = feature, MaxVersionLevel = level, AllowDowngrade = version == 0 && downgrade, UpgradeType = version > 0 && downgrade ? (sbyte)2 : (sbyte)1 },
            },
        });
        return response.ErrorCode != ErrorCode.None || version >= 2 ? response.ErrorCode : response.Results.ToArray()[0].ErrorCode;
    }
}
