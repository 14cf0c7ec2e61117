using System.Globalization;

namespace Broker.Configuration;

/// <summary>Reads the texts of `listeners`, `advertised.listeners` and `listener.security.protocol.map`, without judging what they say together.</summary>
internal static class ListenerText
{
    /// <summary>Elements of a comma-separated list; empty ones (a trailing comma) are passed over, as generated values have them.</summary>
    public static string[] Elements(string? text) =>
        (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>NAME://host:port; the name comes back in upper case, an IPv6 host without brackets.</summary>
    public static bool TryParse(string element, out string name, out string host, out int port)
    {
        name = host = "";
        port = 0;
        var scheme = element.IndexOf("://", StringComparison.Ordinal);
        var colon = element.LastIndexOf(':');
        if (scheme <= 0 || colon < scheme + 3 || !ushort.TryParse(element.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        var address = element.AsSpan(scheme + 3, colon - scheme - 3);
        if (address.StartsWith("[") != address.EndsWith("]"))
        {
            return false;
        }

        name = element[..scheme].ToUpperInvariant();
        host = address.Trim("[]").ToString();
        port = number;
        return IsName(name) && host.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '%' or '.' or '_' or ':');
    }

    public static bool TryParseProtocol(string text, out SecurityProtocol protocol)
    {
        (var known, protocol) = text.ToUpperInvariant() switch
        {
            "PLAINTEXT" => (true, SecurityProtocol.Plaintext),
            "SSL" => (true, SecurityProtocol.Ssl),
            "SASL_PLAINTEXT" => (true, SecurityProtocol.SaslPlaintext),
            "SASL_SSL" => (true, SecurityProtocol.SaslSsl),
            _ => (false, default),
        };
        return known;
    }

    public static string NameOf(SecurityProtocol protocol) => protocol switch
    {
        SecurityProtocol.Plaintext => "PLAINTEXT",
        SecurityProtocol.Ssl => "SSL",
        SecurityProtocol.SaslPlaintext => "SASL_PLAINTEXT",
        _ => "SASL_SSL",
    };

    private static bool IsName(string name) => name.All(character => character is not (':' or '/' or ',') && !char.IsWhiteSpace(character));
}
