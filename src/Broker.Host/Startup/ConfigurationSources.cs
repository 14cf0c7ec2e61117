using System.Collections;
using System.Diagnostics;
using Broker.Configuration;

namespace Broker.Host.Startup;

/// <summary>
/// Puts the sources of configuration in order: embedded defaults or a properties file, the environment, the command line. Immutable result
/// of reading them once at start.
/// </summary>
internal sealed record ConfigurationSources(
    BrokerConfig? Config, IReadOnlyList<ConfigError> Errors, IReadOnlyList<string> Notices, IReadOnlyList<TopicToCreate> Topics, string Description, string LogLevels)
{
    public static ConfigurationSources Read(CommandLine commandLine, IReadOnlyDictionary<string, string> variables)
    {
        var errors = new List<ConfigError>(commandLine.Errors);
        var environment = EnvironmentRules.Read(variables, RunCommand);
        errors.AddRange(environment.Errors);
        var lowest = commandLine.ConfigFile is { } path ? ReadFile(path, errors) : Defaults(environment, commandLine.Overrides);
        IReadOnlyList<ConfigEntry>[] layers = [lowest, environment.Entries, commandLine.Overrides];
        var options = new ConfigParseOptions
        {
            LocalHostName = NeedsHostName(layers) ? LocalHostName.Resolve() : LocalHostName.Fallback,
            ClusterId = environment.ClusterId,
        };
        var result = BrokerConfig.Parse(layers, options);
        errors.AddRange(result.Errors);
        return new ConfigurationSources(
            errors.Count == 0 ? result.Config : null, errors, result.Notices, environment.Topics, Describe(commandLine, environment), LogLevelText(variables));
    }

    public static IReadOnlyDictionary<string, string> CurrentEnvironment()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            variables[(string)variable.Key] = (string?)variable.Value ?? "";
        }

        return variables;
    }

    private static IReadOnlyList<ConfigEntry> ReadFile(string path, List<ConfigError> errors)
    {
        try
        {
            return PropertiesFile.Load(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or FormatException)
        {
            errors.Add(new ConfigError("--config", path, "command line", failure.Message, "Give a properties file that this user may read."));
            return [];
        }
    }

    private static List<ConfigEntry> Defaults(EnvironmentSettings environment, IReadOnlyList<ConfigEntry> overrides)
    {
        var given = environment.Entries.Concat(overrides).Select(entry => entry.Key).ToHashSet(StringComparer.Ordinal);
        List<ConfigEntry> defaults = [.. EmbeddedDefaults.Entries(given.Any(EnvironmentSettings.IsAddress)), .. environment.Defaults];

        // A data directory that somebody brings may belong to a broker with an id of its own.
        if (!given.Contains(ConfigKeys.BrokerId.Name) && !given.Contains(ConfigKeys.NodeId.Name)
            && !given.Contains(ConfigKeys.LogDirs.Name) && !given.Contains(ConfigKeys.LogDir.Name) && environment.Defaults.Count == 0)
        {
            defaults.Add(EmbeddedDefaults.BrokerId);
        }

        if (given.Contains(ConfigKeys.LogDir.Name))
        {
            defaults.RemoveAll(entry => entry.Key == ConfigKeys.LogDirs.Name);
        }

        return defaults;
    }

    // Looking up the machine's own name can be slow, so it is done only for a listener without a host.
    private static bool NeedsHostName(IReadOnlyList<ConfigEntry>[] layers)
    {
        var addresses = layers.SelectMany(layer => layer).Where(entry => EnvironmentSettings.IsAddress(entry.Key)).GroupBy(entry => entry.Key, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Last().Value, StringComparer.Ordinal);
        var advertised = addresses.GetValueOrDefault(ConfigKeys.AdvertisedListeners.Name);
        return (advertised ?? addresses.GetValueOrDefault(ConfigKeys.Listeners.Name) ?? "://:").Contains("://:", StringComparison.Ordinal);
    }

    private static string Describe(CommandLine commandLine, EnvironmentSettings environment)
    {
        var lowest = commandLine.ConfigFile ?? "embedded defaults";
        var variables = environment.Entries.Count == 0 ? "" : $", {environment.Entries.Count} from the environment ({environment.Style} rules)";
        return lowest + variables + (commandLine.Overrides.Count == 0 ? "" : $", {commandLine.Overrides.Count} from the command line");
    }

    private static string LogLevelText(IReadOnlyDictionary<string, string> variables) =>
        variables.GetValueOrDefault("BROKER_LOG_LEVEL") ?? variables.GetValueOrDefault("KAFKA_LOG4J_ROOT_LOGLEVEL") ?? "INFO";

    private static string RunCommand(string command)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardOutput = true });
        var output = process?.StandardOutput.ReadToEnd() ?? "";
        process?.WaitForExit();
        return output;
    }
}
