using Xunit.Abstractions;

namespace Broker.Protocol.Tests;

/// <summary>
/// Compares every schema with the message definitions of Apache Kafka 3.9 and 4.3, which lie beside the repository on some machines. Where they do not, the
/// tests say so and pass.
/// </summary>
public sealed class OracleTests(ITestOutputHelper output)
{
    private static readonly string[] Releases = ["3.9", "4.3"];

    /// <summary>Names that changed between the releases: 74 was ListClientMetricsResources up to 4.0.</summary>
    private static readonly Dictionary<string, string> FormerNames = new()
    {
        ["ListConfigResourcesRequest"] = "ListClientMetricsResourcesRequest",
        ["ListConfigResourcesResponse"] = "ListClientMetricsResourcesResponse",
    };

    private readonly Dictionary<string, KafkaMessage>?[] _definitions = [.. Releases.Select(KafkaDefinitions.Load)];

    [Fact]
    public void Every_field_of_every_version_is_as_Kafka_has_it()
    {
        if (!AreThere())
        {
            return;
        }

        List<string> differences = [];
        foreach (MessageSchema schema in ApiCatalog.Schemas)
        {
            for (short version = schema.Versions.Min; version <= schema.Versions.Max; version++)
            {
                Compare(schema, version, differences);
            }
        }

        Assert.True(differences.Count == 0, $"{differences.Count} differences:\n{string.Join('\n', differences)}");
    }

    [Fact]
    public void Every_API_has_Kafkas_number()
    {
        if (!AreThere())
        {
            return;
        }

        foreach (KafkaMessage theirs in _definitions.SelectMany(d => d!.Values).Where(m => m.Key >= 0 && m.Name.EndsWith("Request", StringComparison.Ordinal)))
        {
            MessageSchema? ours = ApiCatalog.Schemas.FirstOrDefault(s => s.Name == theirs.Name);
            Assert.True(ours is null || (int)ours.Key!.Value == theirs.Key, $"{theirs.Name} has key {ours?.Key} instead of {theirs.Key}");
            string name = theirs.Name == "ListClientMetricsResourcesRequest" ? "ListConfigResources" : theirs.Name[..^"Request".Length];
            Assert.Equal(name, ((ApiKey)theirs.Key).ToString());
        }
    }

    /// <summary>A version that both releases have may have been renamed or re-defaulted on the way; then agreeing with one of them is enough.</summary>
    private void Compare(MessageSchema schema, short version, List<string> differences)
    {
        List<List<string>> results = [];
        foreach (Dictionary<string, KafkaMessage>? release in _definitions)
        {
            KafkaMessage? theirs = Find(release!, schema);
            if (theirs is not null && theirs.Versions.Contains(version))
            {
                results.Add(SchemaComparison.Compare(schema, theirs, version));
            }
        }

        if (results.Count == 0)
        {
            differences.Add($"{schema.Name} v{version}: neither release knows it");
        }
        else if (results.TrueForAll(r => r.Count > 0))
        {
            differences.AddRange(results[^1]);
        }
    }

    private static KafkaMessage? Find(Dictionary<string, KafkaMessage> release, MessageSchema schema)
    {
        if (release.TryGetValue(schema.Name, out KafkaMessage? theirs) || release.TryGetValue(FormerNames.GetValueOrDefault(schema.Name, ""), out theirs))
        {
            // From 4.0 on the first two bytes of a coordinator record's key are no longer the version of one schema but choose among schemas of one version each.
            return theirs.Kind == "coordinator-key" ? null : theirs;
        }

        return null;
    }

    private bool AreThere()
    {
        bool areThere = Array.TrueForAll(_definitions, d => d is not null);
        if (!areThere)
        {
            output.WriteLine("Kafka's message definitions are not beside this repository; nothing was compared.");
        }

        return areThere;
    }
}
