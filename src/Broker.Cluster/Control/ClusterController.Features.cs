using System.Collections.Immutable;
using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>Feature levels: kept in /feature, which every broker watches; in force when the image has them.</summary>
public sealed partial class ClusterController
{
    /// <summary>Changes the levels in force. With <paramref name="allOrNone"/> one that is refused refuses all; otherwise each is judged by itself.</summary>
    public Task<IReadOnlyList<FeatureUpdateResult>> UpdateFeaturesAsync(IReadOnlyList<FeatureUpdate> updates, bool allOrNone, bool validateOnly) => Enqueue(async () =>
    {
        if (!_isActive)
        {
            return [.. updates.Select(update => new FeatureUpdateResult(update.Name, ErrorCode.NotController, NotTheController))];
        }

        var results = new List<FeatureUpdateResult>(updates.Count);
        ImmutableDictionary<string, short> levels = Image.FeatureLevels;
        foreach (FeatureUpdate update in updates)
        {
            FeatureUpdateResult result = Judge(update, Image.FeatureLevels.GetValueOrDefault(update.Name));
            results.Add(result);
            if (result.Error == ErrorCode.None)
            {
                levels = update.Level == 0 ? levels.Remove(update.Name) : levels.SetItem(update.Name, update.Level);
            }
        }

        bool isRefused = allOrNone && results.Exists(result => result.Error != ErrorCode.None);
        if (!isRefused && !validateOnly && levels != Image.FeatureLevels)
        {
            await CommitAsync([TreeOperation.Set(ZnodePaths.Feature, FeatureZnode.Encode(levels), Image.FeatureEpoch)]).ConfigureAwait(false);
            Swap(Image with { FeatureLevels = levels, FeatureEpoch = Image.FeatureEpoch + 1 });
            ControllerLog.Features(_logger, string.Join(", ", levels.OrderBy(level => level.Key, StringComparer.Ordinal).Select(level => $"{level.Key}={level.Value}")));
        }

        return (IReadOnlyList<FeatureUpdateResult>)results;
    });

    private FeatureUpdateResult Judge(FeatureUpdate update, short current)
    {
        string? refusal = ClusterFeatures.Find(update.Name) is not { } feature ? $"This cluster has no feature {update.Name}"
            : update.Level < feature.MinLevel || update.Level > feature.MaxLevel ? $"Level {update.Level} of {update.Name} is not supported, {feature.MinLevel} to {feature.MaxLevel} are"
            : update.Level < current && !update.AllowsDowngrade ? $"{update.Name} is at level {current}; going down to {update.Level} has to be asked for as a downgrade"
            : update.Level > current && update.AllowsDowngrade ? $"{update.Name} is at level {current}; going up to {update.Level} has to be asked for as an upgrade"
            : update.Level > current && Lacking(update) is { } broker ? $"Broker {broker} does not support level {update.Level} of {update.Name}; every live broker has to"
            : null;
        return new FeatureUpdateResult(update.Name, refusal is null ? ErrorCode.None : ErrorCode.InvalidUpdateVersion, refusal);
    }

    /// <summary>The first live broker that cannot run with the level; its registration says so.</summary>
    private int? Lacking(FeatureUpdate update) => Image.Brokers.FirstOrDefault(
        broker => !broker.Features.Any(feature => feature.Name == update.Name && feature.MaxLevel >= update.Level))?.Id;

    private async Task OnFeaturesChangedAsync(Action<WatchedEvent> watch)
    {
        // The first controller may not have made the node yet.
        if (await _tree.ExistsAsync(ZnodePaths.Feature, watch).ConfigureAwait(false) is not { } stat || (stat.Version == Image.FeatureEpoch && stat.Version > 0))
        {
            return;
        }

        try
        {
            Swap(await WithFeaturesAsync(Image).ConfigureAwait(false));
        }
        catch (InvalidDataException e)
        {
            ControllerLog.Ignored(_logger, ZnodePaths.Feature, e.Message);
        }
    }

    private async Task<MetadataImage> WithFeaturesAsync(MetadataImage image)
    {
        TreeNode node = await _tree.GetAsync(ZnodePaths.Feature).ConfigureAwait(false);
        return image with { FeatureLevels = FeatureZnode.Decode(node.Data).ToImmutableDictionary(StringComparer.Ordinal), FeatureEpoch = node.Stat.Version };
    }
}
