using System.Globalization;
using System.Text.Json;

namespace Broker.Cluster;

/// <summary>
/// <c>/brokers/ids/N</c>: written in form 5, read from form 1 on. Form 1 has host and port only; 2 adds endpoints, 3 the rack, 4 the security protocol of
/// each listener (before, the listener's name was its protocol), 5 features.
/// </summary>
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
            foreach (SupportedFeature feature in ClusterFeatures.Supported)
            {
                w.WriteStartObject(feature.Name);
                // Level 0 is out of force: Kafka's ranges in ZooKeeper begin at 1.
                w.WriteNumber("min_version", Math.Max((short)1, feature.MinLevel));
                w.WriteNumber("max_version", feature.MaxLevel);
                w.WriteEndObject();
            }

            w.WriteEndObject();
            if (rack is not null)
            {
                w.WriteString("rack", rack);
            }
        });
    }

    /// <param name="id">From the path.</param>
    /// <param name="node">Its czxid is the broker's epoch.</param>
    public static BrokerImage Decode(int id, TreeNode node) => ZnodeJson.Read(ZnodePaths.Broker(id), node.Data, e =>
    {
        string? rack = e.TryGetProperty("rack", out JsonElement r) ? r.GetString() : null;
        return new BrokerImage(id, node.Stat.Czxid, rack, e.Int("version") == 1 ? Plain(e) : Endpoints(e)) { Features = Features(e) };
    });

    private static SupportedFeature[] Features(JsonElement e) => !e.TryGetProperty("features", out JsonElement features) || features.ValueKind != JsonValueKind.Object ? [] :
    [
        .. from feature in features.EnumerateObject()
           where feature.Value.ValueKind == JsonValueKind.Object && feature.Value.TryGetProperty("max_version", out JsonElement max) && max.TryGetInt16(out _)
           select new SupportedFeature(feature.Name, 0, feature.Value.GetProperty("max_version").GetInt16()),
    ];

    private static Dictionary<string, EndpointImage> Plain(JsonElement e) =>
        new(StringComparer.Ordinal) { ["PLAINTEXT"] = new EndpointImage(e.Text("host"), e.Int("port"), "PLAINTEXT") };

    private static Dictionary<string, EndpointImage> Endpoints(JsonElement e)
    {
        var endpoints = new Dictionary<string, EndpointImage>(StringComparer.Ordinal);
        bool mapped = e.TryGetProperty("listener_security_protocol_map", out JsonElement protocols);
        foreach (JsonElement text in e.Required("endpoints").EnumerateArray())
        {
            (string listener, string host, int port) = Split(text.GetString() ?? throw new FormatException("an endpoint is null"));
            endpoints[listener] = new EndpointImage(host, port, mapped ? protocols.Text(listener) : listener);
        }

        return endpoints;
    }

    private static (string Listener, string Host, int Port) Split(string text)
    {
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        int colon = text.LastIndexOf(':');
        return scheme > 0 && colon > scheme && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
            ? (text[..scheme], text[(scheme + 3)..colon].Trim('[', ']'), port)
            : throw new FormatException($"'{text}' is no endpoint of the form LISTENER://host:port");
    }
}
