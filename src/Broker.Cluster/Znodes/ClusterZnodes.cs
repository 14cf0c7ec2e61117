using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Broker.Cluster;

/// <summary><c>/cluster/id</c>. Its version is a string.</summary>
internal static class ClusterIdZnode
{
    public static byte[] Encode(string id) => ZnodeJson.Write(w =>
    {
        w.WriteString("version", "1");
        w.WriteString("id", id);
    });

    public static string Decode(byte[] data) => ZnodeJson.Read(ZnodePaths.ClusterId, data, e => e.Text("id"));
}

/// <summary><c>/controller</c>.</summary>
internal static class ControllerZnode
{
    public static byte[] Encode(int brokerId, long nowMs) => ZnodeJson.Write(w =>
    {
        w.WriteNumber("version", 2);
        w.WriteNumber("brokerid", brokerId);
        w.WriteString("timestamp", nowMs.ToString(CultureInfo.InvariantCulture));
        w.WriteNumber("kraftControllerEpoch", -1);
    });

    public static int DecodeBrokerId(byte[] data) => ZnodeJson.Read(ZnodePaths.Controller, data, e => e.Int("brokerid"));
}

/// <summary><c>/controller_epoch</c>: decimal text.</summary>
internal static class ControllerEpochZnode
{
    public static byte[] Encode(int epoch) => Encoding.UTF8.GetBytes(epoch.ToString(CultureInfo.InvariantCulture));

    public static int Decode(byte[] data) => int.TryParse(Encoding.UTF8.GetString(data), NumberStyles.None, CultureInfo.InvariantCulture, out int epoch)
        ? epoch
        : throw new InvalidDataException($"Node {ZnodePaths.ControllerEpoch} of the coordination tree holds {data.Length} bytes that are no decimal number");
}

/// <summary><c>/latest_producer_id_block</c>: numbers as strings; empty until the first block is given. Both ends belong to the block.</summary>
internal sealed record ProducerIdBlockZnode(int Broker, long Start, long End)
{
    public byte[] Encode() => ZnodeJson.Write(w =>
    {
        w.WriteNumber("version", 1);
        w.WriteNumber("broker", Broker);
        w.WriteString("block_start", Start.ToString(CultureInfo.InvariantCulture));
        w.WriteString("block_end", End.ToString(CultureInfo.InvariantCulture));
    });

    public static ProducerIdBlockZnode? Decode(byte[] data) => data.Length == 0
        ? null
        : ZnodeJson.Read(ZnodePaths.ProducerIdBlock, data, e => new ProducerIdBlockZnode(e.Int("broker"), e.LongText("block_start"), e.LongText("block_end")));
}

/// <summary><c>/feature</c>: finalized feature levels by name. Form 1 held a range, whose upper end counts.</summary>
internal static class FeatureZnode
{
    public static byte[] Encode(IReadOnlyDictionary<string, short> levels) => ZnodeJson.Write(w =>
    {
        w.WriteNumber("version", 2);
        w.WriteNumber("status", 1);
        w.WriteStartObject("features");
        foreach ((string name, short level) in levels.OrderBy(level => level.Key, StringComparer.Ordinal))
        {
            w.WriteNumber(name, level);
        }

        w.WriteEndObject();
    });

    public static IReadOnlyDictionary<string, short> Decode(byte[] data) => ZnodeJson.Read(ZnodePaths.Feature, data, e =>
    {
        var levels = new Dictionary<string, short>(StringComparer.Ordinal);
        foreach (JsonProperty feature in e.Required("features").EnumerateObject())
        {
            levels[feature.Name] = (feature.Value.ValueKind == JsonValueKind.Object ? feature.Value.Required("max_version_level") : feature.Value).GetInt16();
        }

        return levels;
    });
}
