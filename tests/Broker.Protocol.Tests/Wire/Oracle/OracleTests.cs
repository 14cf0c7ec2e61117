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
        var unused = KnownDifferences.Fields.Keys.ToHashSet();
        foreach (MessageSchema schema in ApiCatalog.Schemas)
        {
            for (short version = schema.Versions.Min; version <= schema.Versions.Max; version++)
            {
                Compare(schema, version, differences, unused);
            }
        }

        differences.AddRange(unused.Select(known => $"{known} is known to differ but does not"));
        AssertNone(differences);
    }

    [Fact]
    public void The_versions_of_both_releases_are_described()
    {
        if (!AreThere())
        {
            return;
        }

        List<string> differences = [];
        foreach (MessageSchema schema in ApiCatalog.Schemas)
        {
            VersionSpan[] theirs = [.. Releases.Select((_, i) => Find(i, schema)?.Versions).OfType<VersionSpan>()];
            var union = new VersionSpan(theirs.Min(v => v.Min), theirs.Max(v => v.Max));
            if (union == schema.Versions == KnownDifferences.Versions.ContainsKey(schema.Name))
            {
                differences.Add($"{schema.Name}: versions are {schema.Versions.Min}-{schema.Versions.Max} instead of {union.Min}-{union.Max}, which is {(union == schema.Versions ? "known to differ" : "not known")}");
            }
        }

        AssertNone(differences);
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

    private void Compare(MessageSchema schema, short version, List<string> differences, HashSet<(string, string, short)> unused)
    {
        bool isKnown = false;
        for (int i = 0; i < Releases.Length; i++)
        {
            if (Find(i, schema) is { } theirs && theirs.Versions.Contains(version))
            {
                isKnown = true;
                List<string> found = SchemaComparison.Compare(schema, theirs, version);
                (string, string, short) where = (Releases[i], schema.Name, version);
                if (found.Count > 0 && KnownDifferences.Fields.ContainsKey(where))
                {
                    unused.Remove(where);
                    continue;
                }

                differences.AddRange(found.Select(d => $"{Releases[i]}: {d}"));
            }
        }

        if (!isKnown)
        {
            differences.Add($"{schema.Name} v{version}: neither release knows it");
        }
    }

    private KafkaMessage? Find(int release, MessageSchema schema)
    {
        Dictionary<string, KafkaMessage> messages = _definitions[release]!;
        return messages.TryGetValue(schema.Name, out KafkaMessage? theirs) || messages.TryGetValue(FormerNames.GetValueOrDefault(schema.Name, ""), out theirs) ? theirs : null;
    }

    private static void AssertNone(List<string> differences) =>
        Assert.True(differences.Count == 0, $"{differences.Count} differences:\n{string.Join('\n', differences)}");

    private bool AreThere()
    {
        bool areThere = Array.TrueForAll(_definitions, d => d is not null);
        if (!areThere)
        {
            output.WriteLine($"NOT COMPARED: Kafka's message definitions are not in ../shared/reference/protocol beside this repository; {KafkaDefinitions.ReferenceVariable} may name their folder.");
        }

        return areThere;
    }
}
