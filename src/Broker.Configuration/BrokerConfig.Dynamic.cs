using System.Globalization;

namespace Broker.Configuration;

public sealed partial class BrokerConfig
{
    private static readonly ConfigKey<int>[] ThreadCounts =
    [
        ConfigKeys.NumIoThreads, ConfigKeys.NumNetworkThreads, ConfigKeys.NumReplicaFetchers, ConfigKeys.NumRecoveryThreadsPerDataDir, ConfigKeys.BackgroundThreads,
    ];

    private static readonly ConfigKey[] ListenerKeys = [ConfigKeys.Listeners, ConfigKeys.AdvertisedListeners, ConfigKeys.ListenerSecurityProtocolMap];

    /// <summary>
    /// A snapshot with these dynamic values in place of the present ones. Values that are not valid (any more) are passed over, as a broker
    /// must come up whatever was stored; <see cref="ValidateDynamic"/> is what keeps them out.
    /// </summary>
    public BrokerConfig WithDynamic(IReadOnlyDictionary<string, string> broker, IReadOnlyDictionary<string, string> clusterDefault)
    {
        object?[] values = [.. StaticValues()];
        Apply(clusterDefault, ConfigScope.ClusterWide);
        Apply(broker, ConfigScope.PerBroker);
        var sources = _sources with { DynamicBroker = broker, DynamicDefault = clusterDefault };
        var (listeners, errors) = ReadListeners(broker);
        return new BrokerConfig(values, sources, errors.Count == 0 ? listeners : _listeners, _options);

        void Apply(IReadOnlyDictionary<string, string> overrides, ConfigScope least)
        {
            foreach (var (name, text) in overrides)
            {
                if (ConfigKeys.TryFind(name, out var key) && key.Scope >= least && key.TryParse(text, out var value, out _))
                {
                    values[key.Index] = value;
                }
            }
        }
    }

    /// <summary>
    /// Checks the whole set of dynamic values that a broker (or, without <paramref name="perBroker"/>, the cluster default) is about to
    /// have. Null when they may be stored. Names that the table does not know are allowed, as in Kafka.
    /// </summary>
    public ConfigProblem? ValidateDynamic(IReadOnlyDictionary<string, string> overrides, bool perBroker)
    {
        var known = overrides.Keys.Order(StringComparer.Ordinal).Where(name => ConfigKeys.TryFind(name, out _)).Select(Find).ToArray();
        if (Complain("Cannot update these configs dynamically", known.Where(key => key.Scope == ConfigScope.ReadOnly)) is { } readOnly)
        {
            return readOnly;
        }

        if (Complain("These security configs can be dynamically updated only per-listener using the listener prefix", known.Where(IsSecurity)) is { } security)
        {
            return security;
        }

        foreach (var key in known)
        {
            if (!key.TryParse(overrides[key.Name], out _, out var error))
            {
                return ConfigProblem.Value(error!);
            }
        }

        if (!perBroker)
        {
            return Complain("Cannot update these configs at default cluster level, broker id must be specified", known.Where(key => key.Scope == ConfigScope.PerBroker))
                ?? CheckThreads(overrides);
        }

        return CheckThreads(overrides) ?? CheckListeners(overrides);
    }

    private static ConfigKey Find(string name) => ConfigKeys.TryFind(name, out var key) ? key : throw new KeyNotFoundException(name);

    private static bool IsSecurity(ConfigKey key) =>
        key.Scope == ConfigScope.PerBroker
        && (key.Name.StartsWith("ssl.", StringComparison.Ordinal) || key.Name.StartsWith("sasl.", StringComparison.Ordinal));

    // The form in which Kafka prints a set of names.
    private static ConfigProblem? Complain(string message, IEnumerable<ConfigKey> keys)
    {
        var names = string.Join(", ", keys);
        return names.Length == 0 ? null : ConfigProblem.Value($"{message}: Set({names})");
    }

    private ConfigProblem? CheckThreads(IReadOnlyDictionary<string, string> overrides)
    {
        foreach (var key in ThreadCounts)
        {
            if (!overrides.TryGetValue(key.Name, out var text) || !int.TryParse(text.Trim(), CultureInfo.InvariantCulture, out var wanted) || wanted == Get(key))
            {
                continue;
            }

            var now = Get(key);
            var limit = wanted < now / 2 ? $"value should be at least half the current value {now}"
                : wanted > now * 2L ? $"value should not be greater than double the current value {now}"
                : null;
            if (limit is not null)
            {
                return ConfigProblem.Value($"Dynamic thread count update validation failed for {key.Name}={wanted}, {limit}");
            }
        }

        return null;
    }

    private ConfigProblem? CheckListeners(IReadOnlyDictionary<string, string> overrides) =>
        ReadListeners(overrides).Errors is [var first, ..] ? ConfigProblem.Value($"{first.Reason} {first.Remedy}") : null;

    private (ListenerSet Listeners, List<ConfigError> Errors) ReadListeners(IReadOnlyDictionary<string, string> overrides)
    {
        var errors = new List<ConfigError>();
        var changed = ListenerKeys.Where(key => overrides.ContainsKey(key.Name)).ToArray();
        if (changed.Length == 0 && !ListenerKeys.Any(key => _sources.DynamicBroker.ContainsKey(key.Name)))
        {
            return (_listeners, errors);
        }

        var given = new Dictionary<string, ConfigEntry>(_sources.Static, StringComparer.Ordinal);
        foreach (var key in changed)
        {
            given[key.Name] = new ConfigEntry(key.Name, overrides[key.Name], "dynamic");
        }

        return (new ListenerReader(given, _options.LocalHostName, errors, []).Read(), errors);
    }

    private IEnumerable<object?> StaticValues() =>
        ConfigKeys.All.Select(key => _sources.Static.TryGetValue(key.Name, out var entry) && key.TryParse(entry.Value, out var value, out _) ? value : key.DefaultObject);
}
