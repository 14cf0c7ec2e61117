using System.Globalization;
using System.Text.Json;

namespace Broker.Protocol.Tests;

/// <summary>A field as Kafka's definition has it, types and defaults in this project's words.</summary>
internal sealed record KafkaField(
    string Name, WireType Type, bool IsArray, VersionSpan Versions, VersionSpan Nullable, int Tag, VersionSpan Tagged, string Default, bool IsNeverFlexible,
    IReadOnlyList<KafkaField> Children);

/// <summary>A message as Kafka's definition has it.</summary>
internal sealed record KafkaMessage(string Name, string Kind, int Key, VersionSpan Versions, VersionSpan Flexible, IReadOnlyList<KafkaField> Fields);

/// <summary>Reads Kafka's message definitions: JSON with comments, versions as text, structs in place or shared.</summary>
internal static class KafkaDefinitions
{
    /// <summary>Names the folder that holds messages-3.9 and messages-4.3.</summary>
    public const string ReferenceVariable = "BROKER_REFERENCE_DIR";

    private static readonly JsonDocumentOptions WithComments = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>The definitions of one release beside the repository, by message name; null when they are not there.</summary>
    public static Dictionary<string, KafkaMessage>? Load(string release)
    {
        string? directory = Directory(release);
        if (directory is null)
        {
            return null;
        }

        var messages = new Dictionary<string, KafkaMessage>(StringComparer.Ordinal);
        foreach (string file in System.IO.Directory.EnumerateFiles(directory, "*.json", SearchOption.AllDirectories))
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(file), WithComments);
            if (document.RootElement.TryGetProperty("validVersions", out JsonElement versions) && versions.GetString() is not "none")
            {
                KafkaMessage message = Message(document.RootElement);
                messages[message.Name] = message;
            }
        }

        return messages;
    }

    private static string? Directory(string release)
    {
        if (Environment.GetEnvironmentVariable(ReferenceVariable) is { Length: > 0 } given)
        {
            string directory = Path.Combine(given, "messages-" + release);
            return System.IO.Directory.Exists(directory) ? directory
                : throw new DirectoryNotFoundException($"{ReferenceVariable} is {given}, where there is no folder messages-{release}");
        }

        for (DirectoryInfo? root = new(AppContext.BaseDirectory); root is not null; root = root.Parent)
        {
            if (File.Exists(Path.Combine(root.FullName, "Broker.sln")))
            {
                // Clones may stand one or two levels below the folder that holds the reference.
                return new[] { "..", "../.." }
                    .Select(up => Path.GetFullPath(Path.Combine(root.FullName, up, "shared/reference/protocol", "messages-" + release)))
                    .FirstOrDefault(System.IO.Directory.Exists);
            }
        }

        return null;
    }

    private static KafkaMessage Message(JsonElement root)
    {
        Dictionary<string, JsonElement> shared = root.TryGetProperty("commonStructs", out JsonElement structs)
            ? structs.EnumerateArray().ToDictionary(s => s.GetProperty("name").GetString()!, s => s.GetProperty("fields"))
            : [];
        return new KafkaMessage(
            root.GetProperty("name").GetString()!,
            root.GetProperty("type").GetString()!,
            root.TryGetProperty("apiKey", out JsonElement key) ? int.Parse(key.ToString(), CultureInfo.InvariantCulture) : -1,
            Span(root, "validVersions"),
            Span(root, "flexibleVersions"),
            Fields(root.GetProperty("fields"), shared));
    }

    private static List<KafkaField> Fields(JsonElement fields, Dictionary<string, JsonElement> shared) => [.. fields.EnumerateArray().Select(f => Field(f, shared))];

    private static KafkaField Field(JsonElement field, Dictionary<string, JsonElement> shared)
    {
        string type = field.GetProperty("type").GetString()!;
        bool isArray = type.StartsWith("[]", StringComparison.Ordinal);
        string element = isArray ? type[2..] : type;
        WireType wire = Enum.TryParse(element, ignoreCase: true, out WireType primitive) && char.IsLower(element[0]) ? primitive : WireType.Struct;
        List<KafkaField> children = wire != WireType.Struct ? []
            : Fields(field.TryGetProperty("fields", out JsonElement own) ? own : shared[element], shared);
        string name = field.GetProperty("name").GetString()!;
        return new KafkaField(
            char.ToUpperInvariant(name[0]) + name[1..],
            wire,
            isArray,
            Span(field, field.TryGetProperty("versions", out _) ? "versions" : "taggedVersions"),
            Span(field, "nullableVersions"),
            field.TryGetProperty("tag", out JsonElement tag) ? int.Parse(tag.ToString(), CultureInfo.InvariantCulture) : -1,
            Span(field, "taggedVersions"),
            Normal(wire, isArray, field.TryGetProperty("default", out JsonElement literal) ? literal.ToString() : null),
            field.TryGetProperty("flexibleVersions", out JsonElement flexible) && flexible.GetString() == "none",
            children);
    }

    /// <summary>The same text for defaults that mean the same.</summary>
    public static string Normal(WireType type, bool isArray, string? literal)
    {
        if (isArray || type is WireType.Struct or WireType.Bytes or WireType.Records or WireType.Uuid)
        {
            return literal == "null" ? "null" : "";
        }

        return type switch
        {
            WireType.String => literal ?? "",
            WireType.Bool => (literal ?? "false").ToLowerInvariant(),
            WireType.Float64 => double.Parse(literal ?? "0", CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture),
            _ when literal is null or "" => "0",
            _ when literal.StartsWith("0x", StringComparison.Ordinal) => Convert.ToInt64(literal, 16).ToString(CultureInfo.InvariantCulture),
            _ => literal,
        };
    }

    private static VersionSpan Span(JsonElement element, string property)
    {
        string text = element.TryGetProperty(property, out JsonElement value) ? value.GetString()! : "none";
        if (text is "none" or "")
        {
            return VersionSpan.None;
        }

        if (text.EndsWith('+'))
        {
            return new VersionSpan(Number(text[..^1]), short.MaxValue);
        }

        string[] ends = text.Split('-');
        return new VersionSpan(Number(ends[0]), Number(ends[^1]));
    }

    private static short Number(string text) => short.Parse(text, CultureInfo.InvariantCulture);
}
