using System.Globalization;

namespace Broker.Configuration;

/// <summary>
/// Keys that Kafka dropped in 3.0 and that composes of old images still set. They keep their old meaning: PLAINTEXT listeners made of
/// host and port. Where the newer key is set as well, that one decides.
/// </summary>
public static class RemovedKeys
{
    public const string Port = "port";
    public const string HostName = "host.name";
    public const string AdvertisedHostName = "advertised.host.name";
    public const string AdvertisedPort = "advertised.port";

    /// <summary>Name and meaning, for the documentation.</summary>
    public static IReadOnlyList<(string Name, string Meaning)> All { get; } =
    [
        (HostName, "Host of the listener when listeners is unset."),
        (Port, "Port of the listener when listeners is unset; 9092 if this is unset too."),
        (AdvertisedHostName, "Host told to clients when advertised.listeners is unset; host.name if this is unset too."),
        (AdvertisedPort, "Port told to clients when advertised.listeners is unset; port if this is unset too."),
    ];

    internal static bool Contains(string name) => name is Port or HostName or AdvertisedHostName or AdvertisedPort;

    /// <summary>Turns removed keys into listeners and advertised.listeners.</summary>
    internal static void Translate(Dictionary<string, ConfigEntry> given, List<ConfigError> errors, List<string> notices)
    {
        var port = Number(Port);
        var advertisedPort = Number(AdvertisedPort);
        var host = Text(HostName);
        var advertisedHost = Text(AdvertisedHostName);
        if ((port ?? host) is { } bind && given.TryAdd(ConfigKeys.Listeners.Name, Make(ConfigKeys.Listeners.Name, host, port, bind)))
        {
            notices.Add($"{bind.Key} was removed from Kafka in 3.0; it is taken as listeners={given[ConfigKeys.Listeners.Name].Value}.");
        }

        if ((advertisedHost ?? advertisedPort) is { } told)
        {
            var entry = Make(ConfigKeys.AdvertisedListeners.Name, advertisedHost ?? host, advertisedPort ?? port, told);
            if (given.TryAdd(ConfigKeys.AdvertisedListeners.Name, entry))
            {
                notices.Add($"{told.Key} was removed from Kafka in 3.0; it is taken as advertised.listeners={entry.Value}.");
            }
        }

        foreach (var (name, _) in All)
        {
            given.Remove(name);
        }

        ConfigEntry? Text(string name) => given.TryGetValue(name, out var entry) && entry.Value.Trim().Length > 0 ? entry : null;

        ConfigEntry? Number(string name)
        {
            if (Text(name) is not { } entry)
            {
                return null;
            }

            if (ushort.TryParse(entry.Value.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                return entry;
            }

            errors.Add(new ConfigError(name, entry.Value, entry.Origin, $"Invalid value {entry.Value} for configuration {name}: Not a number of type INT",
                "Write a port from 0 to 65535, or better set listeners and advertised.listeners."));
            return null;
        }

        static ConfigEntry Make(string key, ConfigEntry? host, ConfigEntry? port, ConfigEntry origin) =>
            new(key, $"PLAINTEXT://{host?.Value.Trim()}:{port?.Value.Trim() ?? "9092"}", origin.Origin);
    }
}
