using System.Globalization;

namespace Broker.Configuration;

/// <summary>Text to value and back, by type, with Kafka's own rules and words.</summary>
internal static class ConfigValue
{
    public static object Parse(ConfigType type, string text) =>
        TryParse(type, text, out var value, out var error) ? value! : throw new ArgumentException($"'{text}': {error}", nameof(text));

    public static bool TryParse(ConfigType type, string text, out object? value, out string? error)
    {
        var trimmed = text.Trim();
        value = null;
        error = null;
        switch (type)
        {
            case ConfigType.Boolean when trimmed.Equals("true", StringComparison.OrdinalIgnoreCase):
                value = true;
                return true;
            case ConfigType.Boolean when trimmed.Equals("false", StringComparison.OrdinalIgnoreCase):
                value = false;
                return true;
            case ConfigType.Boolean:
                error = "Expected value to be either true or false";
                return false;
            case ConfigType.Int when int.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number):
                value = number;
                return true;
            case ConfigType.Short when short.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number):
                value = number;
                return true;
            case ConfigType.Long when long.TryParse(trimmed, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number):
                value = number;
                return true;
            case ConfigType.Double when double.TryParse(trimmed, NumberStyles.Float, CultureInfo.InvariantCulture, out var number):
                value = number;
                return true;
            case ConfigType.Int or ConfigType.Short or ConfigType.Long or ConfigType.Double:
                error = $"Not a number of type {Name(type)}";
                return false;
            case ConfigType.List:
                value = ParseList(trimmed);
                return true;
            default:
                value = trimmed;
                return true;
        }
    }

    /// <summary>As DescribeConfigs prints a value.</summary>
    public static string? Format(object? value) => value switch
    {
        null => null,
        bool flag => flag ? "true" : "false",
        double number => FormatDouble(number),
        IReadOnlyList<string> list => string.Join(',', list),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    /// <summary>The type's name in messages and documentation.</summary>
    public static string Name(ConfigType type) => type switch
    {
        ConfigType.Boolean => "BOOLEAN",
        ConfigType.String => "STRING",
        ConfigType.Int => "INT",
        ConfigType.Short => "SHORT",
        ConfigType.Long => "LONG",
        ConfigType.Double => "DOUBLE",
        ConfigType.List => "LIST",
        ConfigType.Class => "CLASS",
        ConfigType.Password => "PASSWORD",
        _ => "UNKNOWN",
    };

    private static string[] ParseList(string text) => text.Length == 0 ? [] : text.Split(',', StringSplitOptions.TrimEntries);

    // Java's Double.toString: 1.0, 0.5, 1.0E7, 1.7976931348623157E308. Clients compare these texts.
    private static string FormatDouble(double number)
    {
        var size = Math.Abs(number);
        if (size != 0 && size is < 1e-3 or >= 1e7 && double.IsFinite(number))
        {
            var digits = number.ToString("E16", CultureInfo.InvariantCulture);
            var exponent = int.Parse(digits.AsSpan(digits.IndexOf('E') + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            var shortest = (decimal.TryParse(number.ToString("R", CultureInfo.InvariantCulture).Split('E')[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var mantissa)
                ? mantissa
                : 0m).ToString(CultureInfo.InvariantCulture).Replace(".", "", StringComparison.Ordinal).TrimStart('-', '0').TrimEnd('0');
            var sign = number < 0 ? "-" : "";
            return string.Create(CultureInfo.InvariantCulture, $"{sign}{shortest[0]}.{(shortest.Length > 1 ? shortest[1..] : "0")}E{exponent}");
        }

        var text = number.ToString("R", CultureInfo.InvariantCulture);
        return double.IsFinite(number) && !text.Contains('.', StringComparison.Ordinal) ? text + ".0" : text;
    }
}
