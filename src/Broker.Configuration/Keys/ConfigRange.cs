using System.Globalization;

namespace Broker.Configuration;

/// <summary>The values a key allows, in words and as a check whose complaint has Kafka's words. Immutable.</summary>
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

    internal static ConfigRange GzipLevel { get; } = new(
        "[1,...,9] or -1", value => value is -1 or (>= 1 and <= 9) ? null : "Value must be between 1 and 9 or equal to -1");

    internal static ConfigRange MinusOneOrPositive { get; } = new(
        "-1 or [1,...]", value => value is -1 or (int and >= 1) ? null : "Value must be -1 or at least 1");

    internal static ConfigRange NonEmpty { get; } = new("non-empty string", value => value is "" ? "String must be non-empty" : null);

    internal static ConfigRange NonEmptyList { get; } = new(
        "non-empty list", value => value is IReadOnlyList<string> { Count: 0 } ? "List must contain at least one element" : null);

    internal static ConfigRange ReleaseVersion { get; } = new("a Kafka release such as 2.8, 3.0-IV1 or 3.9", CheckReleaseVersion);

    internal static ConfigRange ThrottledReplicas { get; } = new("[partitionId]:[brokerId],[partitionId]:[brokerId],... or *", CheckThrottledReplicas);

    internal static ConfigRange ConnectionOverrides { get; } = new("host:count, comma separated", CheckConnectionOverrides);

    /// <summary>Null when the value is allowed, else what is wrong with it.</summary>
    internal string? Check(object? value) => _check?.Invoke(value);

    internal static ConfigRange AtLeast(long min) => new(
        string.Create(CultureInfo.InvariantCulture, $"[{min},...]"),
        value => value is not null && ToDouble(value) < min ? string.Create(CultureInfo.InvariantCulture, $"Value must be at least {min}") : null);

    internal static ConfigRange Between(long min, long max) => new(
        string.Create(CultureInfo.InvariantCulture, $"[{min},...,{max}]"),
        value => value is null ? null
            : ToDouble(value) < min ? string.Create(CultureInfo.InvariantCulture, $"Value must be at least {min}")
            : ToDouble(value) > max ? string.Create(CultureInfo.InvariantCulture, $"Value must be no more than {max}")
            : null);

    internal static ConfigRange OneOf(params string[] allowed) => new(
        $"[{string.Join(", ", allowed)}]",
        value => value is string text && !allowed.Contains(text, StringComparer.Ordinal) ? $"String must be one of: {string.Join(", ", allowed)}" : null);

    internal static ConfigRange OneOfIgnoringCase(params string[] allowed) => new(
        $"[{string.Join(", ", allowed)}] (in any case)",
        value => value is string text && !allowed.Contains(text, StringComparer.OrdinalIgnoreCase)
            ? $"String must be one of (case insensitive): {string.Join(", ", allowed)}"
            : null);

    /// <summary>For lists: every element is one of these.</summary>
    internal static ConfigRange EachOf(params string[] allowed) => new(
        $"[{string.Join(", ", allowed)}]",
        value => value is IReadOnlyList<string> list && list.Any(element => !allowed.Contains(element, StringComparer.Ordinal))
            ? $"String must be one of: {string.Join(", ", allowed)}"
            : null);

    private static double ToDouble(object value) => Convert.ToDouble(value, CultureInfo.InvariantCulture);

    private static string? CheckReleaseVersion(object? value)
    {
        var numbers = ((string)value!).Split('-')[0].Split('.');
        return numbers.Length >= 2 && numbers.All(number => byte.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            ? null
            : $"Version {value} is not a valid version";
    }

    private static string? CheckConnectionOverrides(object? value)
    {
        var hosts = new HashSet<string>(StringComparer.Ordinal);
        foreach (var element in ListenerText.Elements((string?)value))
        {
            var colon = element.LastIndexOf(':');
            if (colon <= 0 || !int.TryParse(element.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _))
            {
                return $"'{element}' is not of the form host:count";
            }

            if (!hosts.Add(element[..colon]))
            {
                return $"{element[..colon]} appears more than once";
            }
        }

        return null;
    }

    private static string? CheckThrottledReplicas(object? value)
    {
        var list = (IReadOnlyList<string>)value!;
        return list is ["*"] || list.All(IsReplica)
            ? null
            : "The value must be the literal '*' or a list of replicas in the format [partitionId]:[brokerId],[partitionId]:[brokerId],...";

        static bool IsReplica(string text) =>
            text.Split(':') is [var partition, var broker]
            && int.TryParse(partition, NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && int.TryParse(broker, NumberStyles.None, CultureInfo.InvariantCulture, out _);
    }
}
