namespace Broker.Configuration;

/// <summary>
/// An immutable snapshot of every broker key: what the sources gave at start, and the dynamic values on top of it. A change makes a new
/// snapshot (<see cref="WithDynamic"/>); readers keep the one they have.
/// </summary>
public sealed partial class BrokerConfig
{
    private readonly object?[] _values;
    private readonly ConfigSourceMaps _sources;
    private readonly ListenerSet _listeners;
    private readonly ConfigParseOptions _options;

    internal BrokerConfig(object?[] values, ConfigSourceMaps sources, ListenerSet listeners, ConfigParseOptions options)
    {
        _values = values;
        _sources = sources;
        _listeners = listeners;
        _options = options;
        LogDirs = ReadLogDirs();
    }

    /// <summary>Kafka's defaults, nothing set.</summary>
    public static BrokerConfig Default { get; } = FromSettings([]);

    /// <summary>`broker.id`, or `node.id` where only that is set; -1 when the data directory or the broker itself must decide.</summary>
    public int BrokerId => Get(ConfigKeys.BrokerId) is >= 0 and var id ? id : Get(ConfigKeys.NodeId);

    /// <summary>Where to listen; KRaft controller listeners are left out.</summary>
    public IReadOnlyList<ListenerEndpoint> Listeners => _listeners.Bound;

    /// <summary>What clients are told, by listener. The host is never empty; a port 0 stands for the port that was bound.</summary>
    public IReadOnlyList<ListenerEndpoint> AdvertisedListeners => _listeners.Advertised;

    public string InterBrokerListenerName => _listeners.InterBrokerName;

    /// <summary>`log.dirs`, else `log.dir`; at least one.</summary>
    public IReadOnlyList<string> LogDirs { get; }

    /// <summary>Cluster id for a new data directory (CLUSTER_ID of the images); null makes a random one.</summary>
    public string? ClusterId => _options.ClusterId;

    /// <summary>The effective value. Reads an array and unboxes; still, hot paths keep what they read.</summary>
    public T Get<T>(ConfigKey<T> key) => (T)_values[key.Index]!;

    /// <summary>Reads all layers, later ones winning, and reports every error at once.</summary>
    public static ConfigParseResult Parse(IEnumerable<IEnumerable<ConfigEntry>> layers, ConfigParseOptions? options = null)
    {
        var given = new Dictionary<string, ConfigEntry>(StringComparer.Ordinal);
        foreach (var entry in layers.SelectMany(layer => layer))
        {
            given[entry.Key] = entry;
        }

        return new BrokerConfigReader(given, options ?? new ConfigParseOptions()).Read();
    }

    /// <summary>A snapshot of the given settings over Kafka's defaults, for embedding and tests.</summary>
    /// <exception cref="ArgumentException">With every error in the message.</exception>
    public static BrokerConfig FromSettings(IEnumerable<KeyValuePair<string, string>> settings)
    {
        var result = Parse([settings.Select(pair => new ConfigEntry(pair.Key, pair.Value, "settings"))]);
        return result.Config ?? throw new ArgumentException(string.Join(Environment.NewLine, result.Errors.Select(error => error.Reason)), nameof(settings));
    }

    /// <summary>The value of a chain of keys (retention, roll time) in the unit of the first: the first key that is set decides.</summary>
    internal object? ResolveChain(IReadOnlyList<ConfigSynonymKey> chain)
    {
        foreach (var (name, factor) in chain)
        {
            if (ConfigKeys.TryFind(name, out var key) && _values[key.Index] is { } value)
            {
                return factor == 1 ? value : Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture) * factor;
            }
        }

        return null;
    }

    private string[] ReadLogDirs()
    {
        var text = Get(ConfigKeys.LogDirs);
        return ListenerText.Elements(string.IsNullOrWhiteSpace(text) ? Get(ConfigKeys.LogDir) : text);
    }
}
