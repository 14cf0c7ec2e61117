namespace Broker.Configuration;

/// <summary>
/// What a broker without a properties file starts with: the lowest layer, under the environment and the command line. The same settings,
/// with comments, are shipped as config/server.properties. Where they differ from Kafka's defaults they are what one broker alone needs,
/// as in the file that Kafka ships.
/// </summary>
public static class EmbeddedDefaults
{
    private const string Origin = "embedded defaults";

    /// <param name="isAddressed">
    /// Somebody set listeners or an advertised address: then nothing is assumed about names. Otherwise clients are told localhost, which
    /// works on the machine itself and through a published port of a container; a host name would often not resolve there.
    /// </param>
    public static IReadOnlyList<ConfigEntry> Entries(bool isAddressed)
    {
        var entries = new List<ConfigEntry>
        {
            new(ConfigKeys.LogDirs.Name, "./data", Origin),
            new(ConfigKeys.OffsetsTopicReplicationFactor.Name, "1", Origin),
            new(ConfigKeys.TransactionStateLogReplicationFactor.Name, "1", Origin),
            new(ConfigKeys.TransactionStateLogMinIsr.Name, "1", Origin),
            new(ConfigKeys.GroupInitialRebalanceDelayMs.Name, "0", Origin),
        };
        if (!isAddressed)
        {
            entries.Add(new(ConfigKeys.Listeners.Name, "PLAINTEXT://:9092", Origin));
            entries.Add(new(ConfigKeys.AdvertisedListeners.Name, "PLAINTEXT://localhost:9092", Origin));
        }

        return entries;
    }

    /// <summary>The value is what a broker alone is given anyway, here and in the file that Kafka ships: nothing to warn of.</summary>
    internal static bool IsUsual(string key, string? value) => Entries(isAddressed: true).Any(entry => entry.Key == key && entry.Value == value);

    /// <summary>Id of a broker to whom nobody gave one, as in the file that Kafka ships.</summary>
    public static ConfigEntry BrokerId { get; } = new(ConfigKeys.BrokerId.Name, "0", Origin);
}
