namespace Broker.Configuration;

/// <summary>The values a key allows, in words and as a check. Immutable.</summary>
public sealed class ConfigRange
{
    private readonly Func<object?, string?>? _check;

    private ConfigRange(string? text, Func<object?, string?>? check)
    {
        Text = text;
        _check = check;
    }

    public static ConfigRange Any { get; } = new(null, null);

    /// <summary>The allowed values for the documentation; null when everything of the type is.</summary>
    public string? Text { get; }

    internal string? Check(object? value) => _check?.Invoke(value);

    internal static ConfigRange Of(string text, Func<object?, string?> check) => new(text, check);

    internal static ConfigRange AtLeast(double min) => new(
        $"[{ConfigValue.Format((decimal)min)},...]",
        value => value is not null && Convert.ToDouble(value) < min ? $"Value must be at least {ConfigValue.Format((decimal)min)}" : null);
}
