namespace Broker.Configuration;

/// <summary>An immutable snapshot of every broker key.</summary>
public sealed partial class BrokerConfig
{
    private readonly object?[] _values;

    private BrokerConfig(object?[] values) => _values = values;

    public static BrokerConfig Default { get; } = new([.. ConfigKeys.All.Select(key => key.DefaultObject)]);

    /// <summary>The effective value. Reads an array and unboxes; still, hot paths keep what they read.</summary>
    public T Get<T>(ConfigKey<T> key) => (T)_values[key.Index]!;
}
