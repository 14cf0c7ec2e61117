namespace Broker.Configuration;

/// <summary>The table of broker keys; each row is also the handle to read its value.</summary>
public static partial class ConfigKeys
{
    private static readonly List<ConfigKey> Rows = [];

    public static readonly ConfigKey<int> LogSegmentBytes = Int("log.segment.bytes", 1073741824, ConfigRange.AtLeast(14), ConfigImportance.High, ConfigScope.ClusterWide, "Size at which a new log segment is started.");

    // With an explicit static constructor the fields are set before any member is used, properties included.
    static ConfigKeys()
    {
    }

    public static IReadOnlyList<ConfigKey> All => Rows;

    private static ConfigKey<int> Int(string name, int @default, ConfigRange range, ConfigImportance importance, ConfigScope scope, string documentation) =>
        Add(new ConfigKey<int>(name, ConfigType.Int, ConfigValue.Format(@default), range, importance, scope, documentation));

    private static ConfigKey<T> Add<T>(ConfigKey<T> row)
    {
        row.Index = Rows.Count;
        Rows.Add(row);
        return row;
    }
}
