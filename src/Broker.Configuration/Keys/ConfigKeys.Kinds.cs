namespace Broker.Configuration;

// How rows are written: one method for each kind of value. "OrNone" keys are unset unless somebody sets them.
public static partial class ConfigKeys
{
    private static ConfigKey<bool> Bool(
        string name, bool @default, ConfigImportance importance, ConfigScope scope,
        string doc, IReadOnlyList<ConfigSynonymKey>? synonyms = null, string? unsupported = null, string? note = null, bool listed = true) =>
        Row<bool>(name, ConfigType.Boolean, ConfigValue.Format(@default), ConfigRange.Any, importance, scope, doc, synonyms, unsupported, note, listed);

    private static ConfigKey<int> Int(
        string name, int @default, ConfigRange range, ConfigImportance importance, ConfigScope scope,
        string doc, IReadOnlyList<ConfigSynonymKey>? synonyms = null, string? unsupported = null, string? note = null, bool listed = true) =>
        Row<int>(name, ConfigType.Int, ConfigValue.Format(@default), range, importance, scope, doc, synonyms, unsupported, note, listed);

    private static ConfigKey<short> Short(
        string name, short @default, ConfigRange range, ConfigImportance importance, ConfigScope scope,
        string doc, IReadOnlyList<ConfigSynonymKey>? synonyms = null, string? unsupported = null, string? note = null, bool listed = true) =>
        Row<short>(name, ConfigType.Short, ConfigValue.Format(@default), range, importance, scope, doc, synonyms, unsupported, note, listed);

    private static ConfigKey<long> Long(
        string name, long @default, ConfigRange range, ConfigImportance importance, ConfigScope scope,
        string doc, IReadOnlyList<ConfigSynonymKey>? synonyms = null, string? unsupported = null, string? note = null, bool listed = true) =>
        Row<long>(name, ConfigType.Long, ConfigValue.Format(@default), range, importance, scope, doc, synonyms, unsupported, note, listed);

    private static ConfigKey<double> Double(
        string name, double @default, ConfigRange range, ConfigImportance importance, ConfigScope scope,
        string doc, IReadOnlyList<ConfigSynonymKey>? synonyms = null, string? unsupported = null, string? note = null, bool listed = true) =>
        Row<double>(name, ConfigType.Double, ConfigValue.Format(@default), range, importance, scope, doc, synonyms, unsupported, note, listed);

    private static ConfigKey<int?> IntOrNone(
        string name, ConfigRange range, ConfigImportance importance, ConfigScope scope,
        string doc, IReadOnlyList<ConfigSynonymKey>? synonyms = null, string? unsupported = null, string? note = null, bool listed = true) =>
        Row<int?>(name, ConfigType.Int, null, range, importance, scope, doc, synonyms, unsupported, note, listed);

    private static ConfigKey<long?> LongOrNone(
        string name, ConfigRange range, ConfigImportance importance, ConfigScope scope,
        string doc, IReadOnlyList<ConfigSynonymKey>? synonyms = null, string? unsupported = null, string? note = null, bool listed = true) =>
        Row<long?>(name, ConfigType.Long, null, range, importance, scope, doc, synonyms, unsupported, note, listed);

    private static ConfigKey<string> Text(
        string name, string @default, ConfigRange range, ConfigImportance importance, ConfigScope scope,
        string doc, IReadOnlyList<ConfigSynonymKey>? synonyms = null, string? unsupported = null, string? note = null, bool listed = true) =>
        Row<string>(name, ConfigType.String, @default, range, importance, scope, doc, synonyms, unsupported, note, listed);

    private static ConfigKey<string?> TextOrNone(
        string name, ConfigRange range, ConfigImportance importance, ConfigScope scope,
        string doc, IReadOnlyList<ConfigSynonymKey>? synonyms = null, string? unsupported = null, string? note = null, bool listed = true) =>
        Row<string?>(name, ConfigType.String, null, range, importance, scope, doc, synonyms, unsupported, note, listed);

    private static ConfigKey<IReadOnlyList<string>> List(
        string name, string @default, ConfigRange range, ConfigImportance importance, ConfigScope scope,
        string doc, IReadOnlyList<ConfigSynonymKey>? synonyms = null, string? unsupported = null, string? note = null, bool listed = true) =>
        Row<IReadOnlyList<string>>(name, ConfigType.List, @default, range, importance, scope, doc, synonyms, unsupported, note, listed);

    private static ConfigKey<IReadOnlyList<string>?> ListOrNone(
        string name, ConfigRange range, ConfigImportance importance, ConfigScope scope,
        string doc, IReadOnlyList<ConfigSynonymKey>? synonyms = null, string? unsupported = null, string? note = null, bool listed = true) =>
        Row<IReadOnlyList<string>?>(name, ConfigType.List, null, range, importance, scope, doc, synonyms, unsupported, note, listed);

    private static ConfigKey<string?> Class(
        string name, string? @default, ConfigImportance importance, ConfigScope scope,
        string doc, IReadOnlyList<ConfigSynonymKey>? synonyms = null, string? unsupported = null, string? note = null, bool listed = true) =>
        Row<string?>(name, ConfigType.Class, @default, ConfigRange.Any, importance, scope, doc, synonyms, unsupported, note, listed);

    private static ConfigKey<string?> Secret(
        string name, ConfigImportance importance, ConfigScope scope,
        string doc, IReadOnlyList<ConfigSynonymKey>? synonyms = null, string? unsupported = null, string? note = null, bool listed = true) =>
        Row<string?>(name, ConfigType.Password, null, ConfigRange.Any, importance, scope, doc, synonyms, unsupported, note, listed);
}
