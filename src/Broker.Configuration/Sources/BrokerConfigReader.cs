namespace Broker.Configuration;

/// <summary>Turns the merged layers into a snapshot, or into everything that is wrong with them. Lives for one reading.</summary>
internal sealed class BrokerConfigReader(Dictionary<string, ConfigEntry> given, ConfigParseOptions options)
{
    private const string ListenerPrefix = "listener.name.";

    private readonly List<ConfigError> _errors = [];
    private readonly List<string> _notices = [];
    private readonly object?[] _values = [.. ConfigKeys.All.Select(key => key.DefaultObject)];

    public ConfigParseResult Read()
    {
        RemovedKeys.Translate(given, _errors, _notices);
        ParseValues();
        NoteUnknownKeys();
        NoteKeysWithoutEffect();
        var listeners = new ListenerReader(given, options.LocalHostName, _errors, _notices).Read();
        new BrokerConfigChecks(given, _values, _errors).Run();
        if (_errors.Count > 0)
        {
            return new ConfigParseResult(null, _errors, _notices);
        }

        var sources = new ConfigSourceMaps(given, ConfigSourceMaps.None, ConfigSourceMaps.None);
        return new ConfigParseResult(new BrokerConfig(_values, sources, listeners, options), _errors, _notices);
    }

    private void ParseValues()
    {
        foreach (var key in ConfigKeys.All)
        {
            if (!given.TryGetValue(key.Name, out var entry))
            {
                continue;
            }

            if (key.TryParse(entry.Value, out var value, out var error))
            {
                _values[key.Index] = value;
            }
            else
            {
                _errors.Add(new ConfigError(key.Name, key.IsSensitive ? "[hidden]" : entry.Value, entry.Origin, error!, Remedy(key)));
            }
        }
    }

    private static string Remedy(ConfigKey key)
    {
        var kind = key.Type switch
        {
            ConfigType.Boolean => "true or false",
            ConfigType.Int or ConfigType.Short or ConfigType.Long => "a whole number without unit",
            ConfigType.Double => "a number",
            ConfigType.List => "a comma-separated list",
            _ => "a text",
        };
        var range = key.Range.Text is { } text ? $" ({text})" : "";
        return $"Write {kind}{range}, or remove the line for the default {key.DefaultText ?? "(unset)"}.";
    }

    private void NoteUnknownKeys()
    {
        foreach (var entry in given.Values.Where(entry => !ConfigKeys.TryFind(entry.Key, out _)).OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            if (entry.Key.StartsWith(ListenerPrefix, StringComparison.Ordinal))
            {
                _notices.Add($"{entry.Key} ({entry.Origin}) has no effect: this version has no settings of single listeners.");
            }
            else
            {
                _notices.Add($"{entry.Key} ({entry.Origin}) is not a key of the broker and has no effect.{Suggestion.For(entry.Key)}");
            }
        }
    }

    private void NoteKeysWithoutEffect()
    {
        // One line for each reason, so that a long list of ZooKeeper or TLS keys does not bury the rest.
        var set = ConfigKeys.All.Where(key =>
            key.Unsupported is not null && given.ContainsKey(key.Name) && Text(key) is var text && text != key.DefaultText && !EmbeddedDefaults.IsUsual(key.Name, text));
        foreach (var group in set.GroupBy(key => key.Unsupported, StringComparer.Ordinal))
        {
            ConfigKey[] keys = [.. group];
            _notices.Add($"{string.Join(", ", keys.Select(key => key.Name))} {(keys.Length == 1 ? "has" : "have")} no effect. {group.Key}");
        }
    }

    private string? Text(ConfigKey key) => ConfigValue.Format(_values[key.Index]) is { } text && (text.Length > 0 || key.DefaultText is not null) ? text : null;
}
