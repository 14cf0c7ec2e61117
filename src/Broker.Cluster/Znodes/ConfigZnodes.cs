using System.Text.Json;

namespace Broker.Cluster;

/// <summary><c>/config/topics/T</c>, <c>/config/brokers/N</c> and their kind: overrides by key, all values strings.</summary>
internal static class ConfigZnode
{
    public static byte[] Encode(IReadOnlyDictionary<string, string> config) => ZnodeJson.Write(w =>
    {
        w.WriteNumber("version", 1);
        w.WriteStartObject("config");
        foreach ((string key, string value) in config.OrderBy(c => c.Key, StringComparer.Ordinal))
        {
            w.WriteString(key, value);
        }

        w.WriteEndObject();
    });

    public static IReadOnlyDictionary<string, string> Decode(string path, byte[] data)
    {
        var config = new Dictionary<string, string>(StringComparer.Ordinal);
        return data.Length == 0 ? config : ZnodeJson.Read(path, data, e =>
        {
            foreach (JsonProperty entry in e.Required("config").EnumerateObject())
            {
                config[entry.Name] = entry.Value.GetString() ?? throw new FormatException($"the value of '{entry.Name}' is null");
            }

            return config;
        });
    }
}

/// <summary><c>/config/changes/config_change_N</c>: tells brokers which entity to read again.</summary>
internal static class ConfigChangeZnode
{
    /// <param name="entityPath">Below /config, for instance <c>topics/T</c> or <c>brokers/&lt;default&gt;</c>.</param>
    public static byte[] Encode(string entityPath) => ZnodeJson.Write(w =>
    {
        w.WriteNumber("version", 2);
        w.WriteString("entity_path", entityPath);
    });

    /// <summary>The entity's path below /config. Form 1 names type and name apart. Null for what is no JSON, which Kafka ignores as well.</summary>
    public static string? Decode(string path, byte[] data)
    {
        try
        {
            return ZnodeJson.Read(path, data, e => e.Int("version") == 1 ? $"{e.Text("entity_type")}/{e.Text("entity_name")}" : e.Text("entity_path"));
        }
        catch (InvalidDataException e) when (e.InnerException is JsonException)
        {
            return null;
        }
    }
}
