namespace Broker.Configuration;

/// <summary>
/// The table of broker keys, the rows by subject in the files of Rows. Each row is also the handle to read its value.
/// Documentation, DescribeConfigs, validation and the scope of dynamic changes derive from it; there is no second list.
/// </summary>
public static partial class ConfigKeys
{
    // With an explicit static constructor the fields are set before any member is used, properties included.
    static ConfigKeys()
    {
    }

    /// <summary>Every row.</summary>
    public static IReadOnlyList<ConfigKey> All => Table.Rows;

    public static bool TryFind(string name, out ConfigKey key) => Table.ByName.TryGetValue(name, out key!);

    private static ConfigKey<T> Row<T>(
        string name,
        ConfigType type,
        string? @default,
        ConfigRange range,
        ConfigImportance importance,
        ConfigScope scope,
        string documentation,
        IReadOnlyList<ConfigSynonymKey>? synonyms,
        string? unsupported,
        string? note,
        bool listed)
    {
        var row = new ConfigKey<T>(name, type, @default, range, importance, scope, documentation)
        {
            Index = Table.Rows.Count,
            Synonyms = synonyms ?? [new ConfigSynonymKey(name)],
            Unsupported = unsupported,
            DefaultNote = note,
            IsListed = listed,
        };
        Table.Rows.Add(row);
        Table.ByName.Add(name, row);
        return row;
    }

    // A class of its own, because the order in which the fields of a partial class are set is not defined across files.
    private static class Table
    {
        public static readonly List<ConfigKey> Rows = [];
        public static readonly Dictionary<string, ConfigKey> ByName = new(StringComparer.Ordinal);
    }
}
