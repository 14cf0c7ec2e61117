namespace Broker.Configuration;

/// <summary>A row whose values are read as <typeparamref name="T"/>. Nullable types stand for keys that can be unset.</summary>
public sealed class ConfigKey<T> : ConfigKey
{
    internal ConfigKey(string name, ConfigType type, string? defaultText, ConfigRange range, ConfigImportance importance, ConfigScope scope, string documentation)
        : base(name, type, defaultText, range, importance, scope, documentation)
    {
        // A default is not held to the range: Kafka has defaults that mean "unset" and that nobody may write.
        DefaultObject = defaultText is null ? default(T) : ConfigValue.Parse(type, defaultText);
        Default = (T)DefaultObject!;
    }

    public T Default { get; }

    internal override object? DefaultObject { get; }

    internal override bool TryParse(string text, out object? value, out string? error)
    {
        if (!ConfigValue.TryParse(Type, text, out value, out error))
        {
            error = $"Invalid value {(IsSensitive ? "[hidden]" : text.Trim())} for configuration {Name}: {error}";
            return false;
        }

        if (Range.Check(value) is { } reason)
        {
            error = $"Invalid value {(IsSensitive ? "[hidden]" : ConfigValue.Format(value))} for configuration {Name}: {reason}";
            return false;
        }

        return true;
    }
}
