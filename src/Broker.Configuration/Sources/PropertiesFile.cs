using System.Globalization;
using System.Text;

namespace Broker.Configuration;

/// <summary>
/// Reads a properties file by Java's rules: ISO-8859-1 with \uXXXX escapes, comments by # and !, keys ended by =, : or blanks,
/// lines continued by an odd number of backslashes. One departure: a UTF-8 byte order mark at the start is passed over.
/// </summary>
public static class PropertiesFile
{
    public static IReadOnlyList<ConfigEntry> Load(string path) => Parse(File.ReadAllBytes(path), Path.GetFileName(path));

    /// <exception cref="FormatException">A \u escape is broken; the message names the line.</exception>
    public static IReadOnlyList<ConfigEntry> Parse(ReadOnlySpan<byte> content, string fileName)
    {
        if (content.StartsWith("\uFEFF"u8))
        {
            content = content[3..];
        }

        var text = Encoding.Latin1.GetString(content);
        var entries = new List<ConfigEntry>();
        var position = 0;
        var line = 0;
        while (TryReadLogicalLine(text, ref position, ref line, out var startLine, out var logical))
        {
            var origin = string.Create(CultureInfo.InvariantCulture, $"{fileName} line {startLine}");
            var (key, value) = Split(logical);
            entries.Add(new ConfigEntry(Unescape(key, origin), Unescape(value, origin), origin));
        }

        return entries;
    }

    private static bool TryReadLogicalLine(string text, ref int position, ref int line, out int startLine, out string logical)
    {
        var joined = new StringBuilder();
        startLine = 0;
        var continued = false;
        while (position < text.Length)
        {
            var natural = ReadNaturalLine(text, ref position).TrimStart(Blanks);
            line++;
            if (!continued && (natural.IsEmpty || natural[0] is '#' or '!'))
            {
                continue;
            }

            startLine = startLine == 0 ? line : startLine;
            continued = EndsWithOddBackslashes(natural);
            joined.Append(continued ? natural[..^1] : natural);
            if (!continued)
            {
                break;
            }
        }

        logical = joined.ToString();
        return startLine != 0;
    }

    private static ReadOnlySpan<char> ReadNaturalLine(string text, ref int position)
    {
        var rest = text.AsSpan(position);
        var end = rest.IndexOfAny('\r', '\n');
        if (end < 0)
        {
            position = text.Length;
            return rest;
        }

        var isPair = rest[end] == '\r' && end + 1 < rest.Length && rest[end + 1] == '\n';
        position += end + (isPair ? 2 : 1);
        return rest[..end];
    }

    private static bool EndsWithOddBackslashes(ReadOnlySpan<char> line) => (line.Length - line.TrimEnd('\\').Length) % 2 == 1;

    private static (string Key, string Value) Split(string line)
    {
        var end = 0;
        while (end < line.Length && line[end] is not ('=' or ':' or ' ' or '\t' or '\f'))
        {
            end += line[end] == '\\' ? 2 : 1;
        }

        end = Math.Min(end, line.Length);
        var value = line.AsSpan(end).TrimStart(Blanks);
        if (!value.IsEmpty && value[0] is '=' or ':')
        {
            value = value[1..].TrimStart(Blanks);
        }

        return (line[..end], value.ToString());
    }

    private const string Blanks = " \t\f";

    private static string Unescape(string text, string origin)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        var result = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\')
            {
                result.Append(text[i]);
                continue;
            }

            if (++i == text.Length)
            {
                break;
            }

            if (text[i] != 'u')
            {
                result.Append(text[i] switch { 't' => '\t', 'r' => '\r', 'n' => '\n', 'f' => '\f', var other => other });
                continue;
            }

            if (i + 4 >= text.Length || !ushort.TryParse(text.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
            {
                throw new FormatException($"{origin}: Malformed \\uxxxx encoding. Write four hexadecimal digits after \\u, or a double backslash for a plain one.");
            }

            result.Append((char)code);
            i += 4;
        }

        return result.ToString();
    }
}
