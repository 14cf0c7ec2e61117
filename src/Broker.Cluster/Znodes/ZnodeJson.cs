using System.Text.Json;

namespace Broker.Cluster;

/// <summary>Writing and reading the JSON of znodes. Unknown keys are ignored; what cannot be understood names its path.</summary>
internal static class ZnodeJson
{
    public static byte[] Write(Action<Utf8JsonWriter> fields)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            fields(writer);
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    /// <exception cref="InvalidDataException">The bytes are not what this path holds.</exception>
    public static T Read<T>(string path, byte[] data, Func<JsonElement, T> fields)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(data);
            return fields(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or OverflowException)
        {
            throw new InvalidDataException($"Node {path} of the coordination tree holds {data.Length} bytes that cannot be understood: {e.Message}", e);
        }
    }

    public static void WriteIntArray(this Utf8JsonWriter writer, string name, IEnumerable<int> values)
    {
        writer.WriteStartArray(name);
        foreach (int value in values)
        {
            writer.WriteNumberValue(value);
        }

        writer.WriteEndArray();
    }

    public static int[] IntArray(this JsonElement element) => [.. element.EnumerateArray().Select(e => e.GetInt32())];
}
