using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Broker.Cluster;

/// <summary>Writing and reading the JSON of znodes. Unknown keys are ignored; what cannot be understood names its path.</summary>
internal static class ZnodeJson
{
    // Nothing here is put into HTML: names such as <default> stay readable in ZooKeeper's tools.
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Write(Action<Utf8JsonWriter> fields)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            writer.WriteStartObject();
            fields(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
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

    public static void WriteIntArray(this Utf8JsonWriter writer, string name, IReadOnlyList<int> values)
    {
        writer.WriteStartArray(name);
        foreach (int value in values)
        {
            writer.WriteNumberValue(value);
        }

        writer.WriteEndArray();
    }

    /// <summary>An object of partition numbers and broker ids: <c>{"0":[1,2]}</c>.</summary>
    public static void WriteReplicas(this Utf8JsonWriter writer, string name, IEnumerable<KeyValuePair<int, int[]>> replicas)
    {
        writer.WriteStartObject(name);
        foreach ((int partition, int[] brokers) in replicas)
        {
            writer.WriteIntArray(partition.ToString(CultureInfo.InvariantCulture), brokers);
        }

        writer.WriteEndObject();
    }

    public static int[] IntArray(this JsonElement element)
    {
        var values = new int[element.GetArrayLength()];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = element[i].GetInt32();
        }

        return values;
    }

    public static SortedDictionary<int, int[]> Replicas(this JsonElement element)
    {
        var replicas = new SortedDictionary<int, int[]>();
        foreach (JsonProperty partition in element.EnumerateObject())
        {
            replicas[int.Parse(partition.Name, NumberStyles.None, CultureInfo.InvariantCulture)] = partition.Value.IntArray();
        }

        return replicas;
    }

    public static int Int(this JsonElement element, string name) => Required(element, name).GetInt32();

    public static string Text(this JsonElement element, string name) => Required(element, name).GetString() ?? throw new FormatException($"'{name}' is null");

    /// <summary>A number that is written as a string.</summary>
    public static long LongText(this JsonElement element, string name) => long.Parse(element.Text(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    public static JsonElement Required(this JsonElement element, string name) =>
        element.TryGetProperty(name, out JsonElement value) ? value : throw new FormatException($"'{name}' is missing");
}
