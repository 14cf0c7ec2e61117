namespace Broker.Configuration;

/// <summary>
/// One row of the table of keys: what the key is called, what it may hold, what it does. Immutable. The row is also the
/// handle by which code reads the value (<see cref="BrokerConfig.Get{T}"/>), so no key is ever spelled twice.
/// </summary>
public abstract class ConfigKey
{
    private protected ConfigKey(string name, ConfigType type, string? defaultText, ConfigRange range, ConfigImportance importance, ConfigScope scope, string documentation)
    {
        Name = name;
        Type = type;
        DefaultText = defaultText;
        Range = range;
        Importance = importance;
        Scope = scope;
        Documentation = documentation;
    }

    public string Name { get; }

    public ConfigType Type { get; }

    /// <summary>The default as text, as DescribeConfigs prints it; null when the key has none.</summary>
    public string? DefaultText { get; }

    /// <summary>Which values are allowed.</summary>
    public ConfigRange Range { get; }

    public ConfigImportance Importance { get; }

    /// <summary>How the key can change while the broker runs. Topic keys always can.</summary>
    public ConfigScope Scope { get; }

    public string Documentation { get; }

    /// <summary>Why the key has no effect in this version; null when it does what it says.</summary>
    public string? Unsupported { get; internal init; }

    /// <summary>What to know about the default where it needs a reason.</summary>
    public string? DefaultNote { get; internal init; }

    /// <summary>
    /// Strongest first: for a topic key the broker keys that give its default (none for a key that only topics have), for a broker key
    /// all keys that speak of the same thing, itself included.
    /// </summary>
    public IReadOnlyList<ConfigSynonymKey> Synonyms { get; internal init; } = [];

    /// <summary>False for keys that DescribeConfigs names only when they are set: Kafka reads them outside its own table.</summary>
    public bool IsListed { get; internal init; } = true;

    /// <summary>The value is a secret: never printed, never sent.</summary>
    public bool IsSensitive => Type == ConfigType.Password;

    /// <summary>Position in the table; value arrays are indexed by it.</summary>
    internal int Index { get; set; } = -1;

    /// <summary>The default, parsed.</summary>
    internal abstract object? DefaultObject { get; }

    /// <summary>Parses and checks. False leaves in <paramref name="error"/> the text that Kafka would give.</summary>
    internal abstract bool TryParse(string text, out object? value, out string? error);

    public override string ToString() => Name;
}
