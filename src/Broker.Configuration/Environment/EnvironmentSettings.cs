namespace Broker.Configuration;

/// <summary>What the environment says. <paramref name="Defaults"/> are the image's own, below everything that somebody set.</summary>
public sealed record EnvironmentSettings(
    ImageStyle Style,
    IReadOnlyList<ConfigEntry> Entries,
    IReadOnlyList<ConfigEntry> Defaults,
    IReadOnlyList<ConfigError> Errors,
    string? ClusterId,
    IReadOnlyList<TopicToCreate> Topics)
{
    /// <summary>Somebody set an address, so that none is assumed.</summary>
    public bool IsAddressed => Entries.Any(entry => IsAddress(entry.Key));

    /// <summary>The key says where the broker listens or what it advertises.</summary>
    public static bool IsAddress(string key) =>
        key == ConfigKeys.Listeners.Name || key == ConfigKeys.AdvertisedListeners.Name || RemovedKeys.Contains(key);
}
