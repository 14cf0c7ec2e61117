namespace Broker.Configuration;

// How rows are written: one method for each kind of value.
public static partial class TopicConfigKeys
{
    // With an explicit static constructor the fields are set before any member is used, properties included.
    static TopicConfigKeys()
    {
    }

    /// <summary>Every row, by name.</summary>
    public static IReadOnlyList<ConfigKey> All => Table.Rows;

    public static bool TryFind(string name, out ConfigKey key) => Table.ByName.TryGetValue(name, out key!);

    private static ConfigKey<bool> Bool(
        string name, bool @default, ConfigImportance importance, string doc, IReadOnlyList<ConfigSynonymKey>? broker = null, string? unsupported = null) =>
        Row<bool>(name, ConfigType.Boolean, ConfigValue.Format(@default), ConfigRange.Any, importance, doc, broker, unsupported);

    private static ConfigKey<int> Int(
        string name, int @default, ConfigRange range, ConfigImportance importance, string doc, IReadOnlyList<ConfigSynonymKey>? broker = null, string? unsupported = null) =>
        Row<int>(name, ConfigType.Int, ConfigValue.Format(@default), range, importance, doc, broker, unsupported);

    private static ConfigKey<long> Long(
        string name, long @default, ConfigRange range, ConfigImportance importance, string doc, IReadOnlyList<ConfigSynonymKey>? broker = null, string? unsupported = null) =>
        Row<long>(name, ConfigType.Long, ConfigValue.Format(@default), range, importance, doc, broker, unsupported);

    private static ConfigKey<double> Double(
        string name, double @default, ConfigRange range, ConfigImportance importance, string doc, IReadOnlyList<ConfigSynonymKey>? broker = null, string? unsupported = null) =>
        Row<double>(name, ConfigType.Double, ConfigValue.Format(@default), range, importance, doc, broker, unsupported);

    private static ConfigKey<string> Text(
        string name, string @default, ConfigRange range, ConfigImportance importance, string doc, IReadOnlyList<ConfigSynonymKey>? broker = null, string? unsupported = null) =>
        Row<string>(name, ConfigType.String, @default, range, importance, doc, broker, unsupported);

    private static ConfigKey<IReadOnlyList<string>> List(
        string name, string @default, ConfigRange range, ConfigImportance importance, string doc, IReadOnlyList<ConfigSynonymKey>? broker = null, string? unsupported = null) =>
        Row<IReadOnlyList<string>>(name, ConfigType.List, @default, range, importance, doc, broker, unsupported);

    private static ConfigKey<T> Row<T>(
        string name, ConfigType type, string? @default, ConfigRange range, ConfigImportance importance, string doc, IReadOnlyList<ConfigSynonymKey>? broker, string? unsupported)
    {
        var row = new ConfigKey<T>(name, type, @default, range, importance, ConfigScope.ClusterWide, doc)
        {
            Index = Table.Rows.Count,
            Synonyms = broker ?? [],
            Unsupported = unsupported,
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
