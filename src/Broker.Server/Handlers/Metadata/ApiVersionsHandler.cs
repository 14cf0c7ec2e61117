using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// ApiVersions (key 18): lists what <see cref="ApiTable"/> serves, the features that can be put in force and those that are. v3 names the client's software,
/// v4 may list features whose lowest level is 0. What brokers ask of each other is listed on their listener only; Apache Kafka's brokers look there before they ask.
/// A version beyond the range is answered by <see cref="UnsupportedVersion"/> in the v0 layout, so that the client can retry.
/// </summary>
internal sealed class ApiVersionsHandler(BrokerServices services) : ApiHandler<ApiVersionsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.ApiVersions, 0, 4);

    private const short FirstWithLevelZero = 4;

    private readonly ApiVersionsResponse.ApiVersion[] _toClients = Served(ApiTable.Rows);
    private readonly ApiVersionsResponse.ApiVersion[] _toBrokers = Served([.. ApiTable.Rows, .. ApiTable.InterBrokerRows]);

    private static readonly ApiVersionsResponse.SupportedFeatureKey[] Supportable =
        [.. ClusterFeatures.Supported.Select(f => new ApiVersionsResponse.SupportedFeatureKey { Name = f.Name, MinVersion = f.MinLevel, MaxVersion = f.MaxLevel })];

    private static readonly ApiVersionsResponse.SupportedFeatureKey[] SupportableBeforeZero = Array.FindAll(Supportable, f => f.MinVersion > 0);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, ApiVersionsRequest request)
    {
        if (context.ApiVersion >= 3 && !(IsSoftwareText(request.ClientSoftwareName) && IsSoftwareText(request.ClientSoftwareVersion)))
        {
            return Ready(new ApiVersionsResponse { ErrorCode = ErrorCode.InvalidRequest });
        }

        MetadataImage image = services.Metadata.Current;
        return Ready(new ApiVersionsResponse
        {
            ApiKeys = services.Cluster.IsShared && context.ListenerName == services.Config.Current.InterBrokerListenerName ? _toBrokers : _toClients,
            SupportedFeatures = context.ApiVersion >= FirstWithLevelZero ? Supportable : SupportableBeforeZero,
            FinalizedFeaturesEpoch = image.FeatureEpoch,
            FinalizedFeatures = image.FeatureLevels.Select(f => new ApiVersionsResponse.FinalizedFeatureKey { Name = f.Key, MaxVersionLevel = f.Value, MinVersionLevel = f.Value }).ToArray(),
        });
    }

    /// <summary>The answer to a version this broker does not know: error 35 and just the range of ApiVersions itself.</summary>
    public static ApiVersionsResponse UnsupportedVersion() => new()
    {
        ErrorCode = ErrorCode.UnsupportedVersion,
        ApiKeys = [new ApiVersionsResponse.ApiVersion { ApiKey = (short)ApiKey.ApiVersions, MinVersion = Supports.MinVersion, MaxVersion = Supports.MaxVersion }],
    };

    private static ApiVersionsResponse.ApiVersion[] Served(IEnumerable<ApiTable.Row> rows) => [.. rows.OrderBy(row => row.Supports.Key)
        .Select(row => new ApiVersionsResponse.ApiVersion { ApiKey = (short)row.Supports.Key, MinVersion = row.Supports.MinVersion, MaxVersion = row.Supports.MaxVersion })];

    /// <summary>Letters and digits, with dashes and dots inside (KIP-511).</summary>
    private static bool IsSoftwareText(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            bool inside = i > 0 && i < text.Length - 1;
            if (!char.IsAsciiLetterOrDigit(text[i]) && !(inside && (text[i] is '-' or '.')))
            {
                return false;
            }
        }

        return text.Length > 0;
    }
}
