namespace Broker.Configuration;

/// <summary>
/// Works out the overrides that a request leaves behind. Pure: the caller validates the result (<see cref="TopicConfig.Validate"/>,
/// <see cref="BrokerConfig.ValidateDynamic"/>), stores it and makes new snapshots.
/// </summary>
public static class ConfigAlteration
{
    /// <summary>IncrementalAlterConfigs on a topic.</summary>
    public static ConfigProblem? ApplyToTopic(
        IReadOnlyDictionary<string, string> present, IReadOnlyList<ConfigOperation> operations, out IReadOnlyDictionary<string, string> result) =>
        Apply(present, operations, TopicConfigKeys.TryFind, out result);

    /// <summary>IncrementalAlterConfigs on a broker or on the cluster default.</summary>
    public static ConfigProblem? ApplyToBroker(
        IReadOnlyDictionary<string, string> present, IReadOnlyList<ConfigOperation> operations, out IReadOnlyDictionary<string, string> result) =>
        Apply(present, operations, ConfigKeys.TryFind, out result);

    /// <summary>AlterConfigs: the entries replace all overrides.</summary>
    public static ConfigProblem? Replace(IReadOnlyList<(string Name, string? Value)> entries, out IReadOnlyDictionary<string, string> result)
    {
        var replaced = new Dictionary<string, string>(StringComparer.Ordinal);
        result = replaced;
        string[] withoutValue = [.. entries.Where(entry => entry.Value is null).Select(entry => entry.Name)];
        if (withoutValue.Length > 0)
        {
            return ConfigProblem.Request($"Null value not supported for : {string.Join(", ", withoutValue)}");
        }

        foreach (var (name, value) in entries)
        {
            replaced[name] = value!;
        }

        return null;
    }

    private delegate bool Finder(string name, out ConfigKey key);

    private static ConfigProblem? Apply(
        IReadOnlyDictionary<string, string> present, IReadOnlyList<ConfigOperation> operations, Finder find, out IReadOnlyDictionary<string, string> result)
    {
        var changed = new Dictionary<string, string>(present, StringComparer.Ordinal);
        result = changed;
        if (operations.Select(operation => operation.Name).Distinct(StringComparer.Ordinal).Count() < operations.Count)
        {
            return ConfigProblem.Request("Error due to duplicate config keys");
        }

        string[] withoutValue = [.. operations.Where(operation => operation.Type != ConfigOperationType.Delete && operation.Value is null).Select(operation => operation.Name)];
        if (withoutValue.Length > 0)
        {
            return ConfigProblem.Request($"Null value not supported for : {string.Join(", ", withoutValue)}");
        }

        foreach (var operation in operations)
        {
            if (Apply(changed, operation, find) is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    private static ConfigProblem? Apply(Dictionary<string, string> changed, ConfigOperation operation, Finder find)
    {
        switch (operation.Type)
        {
            case ConfigOperationType.Set:
                changed[operation.Name] = operation.Value!;
                return null;
            case ConfigOperationType.Delete:
                changed.Remove(operation.Name);
                return null;
            case ConfigOperationType.Append or ConfigOperationType.Subtract:
                return ApplyToList(changed, operation, find);
            default:
                return ConfigProblem.Request($"Unknown operation type {(sbyte)operation.Type} for config {operation.Name}");
        }
    }

    private static ConfigProblem? ApplyToList(Dictionary<string, string> changed, ConfigOperation operation, Finder find)
    {
        if (!find(operation.Name, out var key))
        {
            return ConfigProblem.Config($"Unknown config name: {operation.Name}");
        }

        var isAppend = operation.Type == ConfigOperationType.Append;
        if (key.Type != ConfigType.List)
        {
            return ConfigProblem.Config($"Config value {(isAppend ? "append" : "subtract")} is not allowed for config key: {operation.Name}");
        }

        var old = Elements(changed.TryGetValue(operation.Name, out var text) ? text : key.DefaultText);
        var given = Elements(operation.Value);
        changed[operation.Name] = string.Join(',', isAppend ? old.Concat(given.Except(old)) : old.Except(given));
        return null;
    }

    private static string[] Elements(string? text) => (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
}
