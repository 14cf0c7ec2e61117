using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// UpdateFeatures (key 57): puts feature levels in force. v0 and v1 answer each feature by itself, v1 can only check and names the kind of change, v2
/// changes all or none.
/// </summary>
internal sealed class UpdateFeaturesHandler(BrokerServices services) : ApiHandler<UpdateFeaturesRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.UpdateFeatures, 0, 2);

    private const short NamesKindOfChange = 1;
    private const short AllOrNone = 2;
    private const sbyte Upgrade = 1, SafeDowngrade = 2, UnsafeDowngrade = 3;

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, UpdateFeaturesRequest request)
    {
        UpdateFeaturesRequest.FeatureUpdateKey[] asked = request.FeatureUpdates.ToArray();
        string? refusal = asked.Length == 0 ? "The request names no feature"
            : asked.Select(update => update.Feature).Distinct(StringComparer.Ordinal).Count() < asked.Length ? "The request names a feature twice"
            : context.ApiVersion >= NamesKindOfChange && Array.Find(asked, update => update.UpgradeType is < Upgrade or > UnsafeDowngrade) is { Feature: { } odd }
                ? $"The kind of change asked for {odd} is none of {Upgrade} (upgrade), {SafeDowngrade} (safe downgrade) and {UnsafeDowngrade} (unsafe downgrade)"
            : null;
        if (refusal is not null)
        {
            return new UpdateFeaturesResponse { ErrorCode = ErrorCode.InvalidRequest, ErrorMessage = refusal };
        }

        bool allOrNone = context.ApiVersion >= AllOrNone;
        FeatureUpdate[] updates = Array.ConvertAll(asked, update => new FeatureUpdate(
            update.Feature, update.MaxVersionLevel, context.ApiVersion < NamesKindOfChange ? update.AllowDowngrade : update.UpgradeType != Upgrade));
        IReadOnlyList<FeatureUpdateResult> results = await services.Controller.UpdateFeaturesAsync(updates, allOrNone, request.ValidateOnly).ConfigureAwait(false);
        return results.FirstOrDefault(result => result.Error == ErrorCode.NotController || (allOrNone && result.Error != ErrorCode.None)) is { } failed
            ? new UpdateFeaturesResponse { ErrorCode = failed.Error, ErrorMessage = failed.Message }
            : new UpdateFeaturesResponse
            {
                Results = results.Select(result => new UpdateFeaturesResponse.UpdatableFeatureResult { Feature = result.Name, ErrorCode = result.Error, ErrorMessage = result.Message }).ToArray(),
            };
    }
}
