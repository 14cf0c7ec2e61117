using System.Globalization;
using System.Text;
using System.Text.Json;
using Broker.Protocol;

namespace Broker.Cluster;

/// <summary><c>/cluster/id</c>.</summary>
internal static class ClusterIdZnode
{
    public static byte[] Encode(string id) => ZnodeJson.Write(w =>
    {
        w.WriteString("version", "1");
        w.WriteString("id", id);
    });

    public static string Decode(byte[] data) => ZnodeJson.Read(ZnodePaths.ClusterId, data, e => e.GetProperty("id").GetString()!);
}

/// <summary><c>/brokers/ids/N</c>: written in form 5, read from form 1 on.</summary>
internal static class BrokerZnode
{
    public static byte[] Encode(IReadOnlyDictionary<string, EndpointImage> endpoints, string? rack, long nowMs)
    {
        EndpointImage? plain = endpoints.Values.FirstOrDefault(e => e.SecurityProtocol == "PLAINTEXT");
        return ZnodeJson.Write(w =>
        {
            w.WriteNumber("version", 5);
            w.WriteString("host", plain?.Host);
            w.WriteNumber("port", plain?.Port ?? -1);
            w.WriteStartArray("endpoints");
            foreach ((string listener, EndpointImage endpoint) in endpoints)
            {
                w.WriteStringValue($"{listener}://{(endpoint.Host.Contains(':') ? $"[{endpoint.Host}]" : endpoint.Host)}:{endpoint.Port}");
            }

            w.WriteEndArray();
            w.WriteNumber("jmx_port", -1);
            w.WriteString("timestamp", nowMs.ToString(CultureInfo.InvariantCulture));
            w.WriteStartObject("listener_security_protocol_map");
            foreach ((string listener, EndpointImage endpoint) in endpoints)
            {
                w.WriteString(listener, endpoint.SecurityProtocol);
            }

            w.WriteEndObject();
            w.WriteStartObject("features");
            w.WriteEndObject();
            if (rack is not null)
            {
                w.WriteString("rack", rack);
            }
        });
    }

    public static BrokerImage Decode(int id, TreeNode node) => ZnodeJson.Read(ZnodePaths.Broker(id), node.Data, e =>
    {
        var endpoints = new Dictionary<string, EndpointImage>(StringComparer.Ordinal);
        if (e.GetProperty("version").GetInt32() == 1)
        {
            endpoints["PLAINTEXT"] = new EndpointImage(e.GetProperty("host").GetString()!, e.GetProperty("port").GetInt32(), "PLAINTEXT");
        }
        else
        {
            JsonElement protocols = default;
            bool mapped = e.TryGetProperty("listener_security_protocol_map", out protocols);
            foreach (JsonElement text in e.GetProperty("endpoints").EnumerateArray())
            {
                (string listener, string host, int port) = Split(text.GetString()!);
                string protocol = mapped && protocols.TryGetProperty(listener, out JsonElement named) ? named.GetString()! : listener;
                endpoints[listener] = new EndpointImage(host, port, protocol);
            }
        }

        string? rack = e.TryGetProperty("rack", out JsonElement r) ? r.GetString() : null;
        return new BrokerImage(id, node.Stat.Czxid, rack, endpoints);
    });

    private static (string Listener, string Host, int Port) Split(string text)
    {
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        int port = text.LastIndexOf(':');
        return scheme < 0 || port <= scheme
            ? throw new FormatException($"'{text}' is no endpoint of the form LISTENER://host:port")
            : (text[..scheme], text[(scheme + 3)..port].Trim('[', ']'), int.Parse(text[(port + 1)..], CultureInfo.InvariantCulture));
    }
}

/// <summary><c>/brokers/topics/T</c>: written in form 3, read from form 1 on. The id is empty in nodes of old tools.</summary>
internal sealed record TopicZnode(Guid TopicId, IReadOnlyList<int[]> Replicas)
{
    public byte[] Encode() => ZnodeJson.Write(w =>
    {
        w.WriteNumber("version", 3);
        w.WriteStartObject("partitions");
        for (int i = 0; i < Replicas.Count; i++)
        {
            w.WriteIntArray(i.ToString(CultureInfo.InvariantCulture), Replicas[i]);
        }

        w.WriteEndObject();
        w.WriteStartObject("adding_replicas");
        w.WriteEndObject();
        w.WriteStartObject("removing_replicas");
        w.WriteEndObject();
        w.WriteString("topic_id", Uuids.ToText(TopicId));
    });

    public static TopicZnode Decode(string topic, byte[] data) => ZnodeJson.Read(ZnodePaths.Topic(topic), data, e =>
    {
        var partitions = new SortedDictionary<int, int[]>();
        foreach (JsonProperty partition in e.GetProperty("partitions").EnumerateObject())
        {
            partitions[int.Parse(partition.Name, CultureInfo.InvariantCulture)] = partition.Value.IntArray();
        }

        if (partitions.Count > 0 && (partitions.Keys.First() != 0 || partitions.Keys.Last() != partitions.Count - 1))
        {
            throw new FormatException("the partitions are not numbered from 0 without gaps");
        }

        Guid id = e.TryGetProperty("topic_id", out JsonElement text) && Uuids.TryParse(text.GetString(), out Guid parsed) ? parsed : Guid.Empty;
        return new TopicZnode(id, [.. partitions.Values]);
    });
}

/// <summary><c>/brokers/topics/T/partitions/P/state</c>.</summary>
internal sealed record PartitionStateZnode(int ControllerEpoch, int Leader, int LeaderEpoch, int[] Isr)
{
    public byte[] Encode() => ZnodeJson.Write(w =>
    {
        w.WriteNumber("controller_epoch", ControllerEpoch);
        w.WriteNumber("leader", Leader);
        w.WriteNumber("version", 1);
        w.WriteNumber("leader_epoch", LeaderEpoch);
        w.WriteIntArray("isr", Isr);
    });

    public static PartitionStateZnode Decode(string path, byte[] data) => ZnodeJson.Read(path, data, e => new PartitionStateZnode(
        e.GetProperty("controller_epoch").GetInt32(), e.GetProperty("leader").GetInt32(), e.GetProperty("leader_epoch").GetInt32(), e.GetProperty("isr").IntArray()));
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

    public static int DecodeBrokerId(byte[] data) => ZnodeJson.Read(ZnodePaths.Controller, data, e => e.GetProperty("brokerid").GetInt32());
}

/// <summary><c>/controller_epoch</c>: decimal text.</summary>
internal static class ControllerEpochZnode
{
    public static byte[] Encode(int epoch) => Encoding.UTF8.GetBytes(epoch.ToString(CultureInfo.InvariantCulture));

    public static int Decode(byte[] data) => int.TryParse(Encoding.UTF8.GetString(data), NumberStyles.None, CultureInfo.InvariantCulture, out int epoch)
        ? epoch
        : throw new InvalidDataException($"Node {ZnodePaths.ControllerEpoch} of the coordination tree holds no number");
}

/// <summary><c>/config/topics/T</c>, <c>/config/brokers/N</c> and their kind.</summary>
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

    public static IReadOnlyDictionary<string, string> Decode(string path, byte[] data) => data.Length == 0
        ? new Dictionary<string, string>()
        : ZnodeJson.Read(path, data, e => e.GetProperty("config").EnumerateObject().ToDictionary(c => c.Name, c => c.Value.GetString()!, StringComparer.Ordinal));
}

/// <summary><c>/config/changes/config_change_N</c>: tells brokers which entity to read again.</summary>
internal static class ConfigChangeZnode
{
    public static byte[] Encode(string entityPath) => ZnodeJson.Write(w =>
    {
        w.WriteNumber("version", 2);
        w.WriteString("entity_path", entityPath);
    });
}

/// <summary><c>/latest_producer_id_block</c>: numbers as strings.</summary>
internal sealed record ProducerIdBlockZnode(int Broker, long Start, long End)
{
    public byte[] Encode() => ZnodeJson.Write(w =>
    {
        w.WriteNumber("version", 1);
        w.WriteNumber("broker", Broker);
        w.WriteString("block_start", Start.ToString(CultureInfo.InvariantCulture));
        w.WriteString("block_end", End.ToString(CultureInfo.InvariantCulture));
    });

    public static ProducerIdBlockZnode? Decode(byte[] data) => data.Length == 0 ? null : ZnodeJson.Read(ZnodePaths.ProducerIdBlock, data, e => new ProducerIdBlockZnode(
        e.GetProperty("broker").GetInt32(),
        long.Parse(e.GetProperty("block_start").GetString()!, CultureInfo.InvariantCulture),
        long.Parse(e.GetProperty("block_end").GetString()!, CultureInfo.InvariantCulture)));
}

/// <summary><c>/feature</c>: no feature is finalized.</summary>
internal static class FeatureZnode
{
    public static byte[] Encode() => ZnodeJson.Write(w =>
    {
        w.WriteNumber("version", 2);
        w.WriteNumber("status", 1);
        w.WriteStartObject("features");
        w.WriteEndObject();
    });
}
