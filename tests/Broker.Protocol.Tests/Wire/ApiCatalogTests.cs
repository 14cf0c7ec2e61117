namespace Broker.Protocol.Tests;

public sealed class ApiCatalogTests
{
    /// <summary>What a 3.9 broker in ZooKeeper mode has (62 keys), the share group APIs, and the two later ones that clients ask for.</summary>
    private static readonly int[] Described =
        [.. Enumerable.Range(0, 52), 56, 57, 58, 60, 61, 65, 66, 67, 68, 69, 74, 75, 76, 77, 78, 79];

    private static readonly string[] DescribedData =
    [
        "ConsumerProtocolAssignment", "ConsumerProtocolSubscription", "GroupMetadataKey", "GroupMetadataValue", "OffsetCommitKey", "OffsetCommitValue",
        "TransactionLogKey", "TransactionLogValue",
    ];

    [Fact]
    public void Every_API_of_the_plan_has_a_schema() =>
        Assert.Empty(Described.Where(key => !ApiCatalog.TryGet((ApiKey)key, out _)).Select(key => (ApiKey)key));

    [Fact]
    public void Every_data_record_of_the_plan_has_a_schema() =>
        Assert.Empty(DescribedData.Except(ApiCatalog.Schemas.Where(s => s.Kind == MessageKind.Data).Select(s => s.Name)));

    [Fact]
    public void Each_API_has_both_bodies_in_the_same_versions() => Assert.All(ApiCatalog.All, api =>
    {
        MessageSchema[] bodies = [.. ApiCatalog.Schemas.Where(s => s.Key == api.Key)];
        Assert.Equal([MessageKind.Request, MessageKind.Response], bodies.Select(s => s.Kind));
        Assert.All(bodies, body => Assert.Equal((api.MinVersion, api.MaxVersion), (body.Versions.Min, body.Versions.Max)));
    });

    [Theory]
    [InlineData(ApiKey.ControlledShutdown, 0, 0, 0)]
    [InlineData(ApiKey.ControlledShutdown, 1, 1, 0)]
    [InlineData(ApiKey.ControlledShutdown, 3, 2, 1)]
    [InlineData(ApiKey.ApiVersions, 0, 1, 0)]
    [InlineData(ApiKey.ApiVersions, 3, 2, 0)]
    [InlineData(ApiKey.Produce, 8, 1, 0)]
    [InlineData(ApiKey.Produce, 9, 2, 1)]
    [InlineData(ApiKey.SaslHandshake, 1, 1, 0)]
    [InlineData(ApiKey.OffsetDelete, 0, 1, 0)]
    [InlineData(ApiKey.DescribeCluster, 0, 2, 1)]
    public void Header_versions_follow_the_flexible_versions(ApiKey key, short version, int request, int response)
    {
        Assert.Equal(request, ApiCatalog.RequestHeaderVersion(key, version));
        Assert.Equal(response, ApiCatalog.ResponseHeaderVersion(key, version));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(52)]
    [InlineData(93)]
    [InlineData(short.MaxValue)]
    [InlineData(short.MinValue)]
    public void An_unknown_key_is_not_found(short key) => Assert.False(ApiCatalog.TryGet((ApiKey)key, out _));

    [Fact]
    public void Every_error_code_has_words() => Assert.All(Enum.GetValues<ErrorCode>(), code => Assert.DoesNotContain(((short)code).ToString(), code.Describe()));
}
