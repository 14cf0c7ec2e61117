using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>
/// Real clients of every kind against one broker: each makes a topic, produces and consumes 10,000 records with a group, and reads what the others wrote.
/// </summary>
public sealed class ClientMatrixTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Records = 10_000;

    private BrokerProcess _broker = null!;

    public async Task InitializeAsync() => _broker = await BrokerProcess.StartAsync();

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    private static IEnumerable<RealClient> Clients()
    {
        yield return new Kcat();
        yield return new KafkaPython();
        yield return new KafkaJs();
        yield return new ConfluentDotnet();
        if (Repository.KafkaReleases is not null)
        {
            yield return new JavaConsole("3.9");
            yield return new JavaConsole("4.3");
            yield return new JavaConsole("0.10");
        }
    }

    [Fact]
    public async Task Every_client_creates_a_topic_and_reads_back_with_a_group_what_it_produced()
    {
        foreach (RealClient client in Clients())
        {
            string topic = $"own-{client.Name}";
            string[] lines = Lines(client, "own", Records);
            await client.CreateTopicAsync(_broker.Bootstrap, topic, 3);
            await client.ProduceAsync(_broker.Bootstrap, topic, "none", lines);
            IReadOnlyList<string> read = await client.ConsumeAsync(_broker.Bootstrap, topic, $"group-{client.Name}", Records);
            AssertSame(lines, read, client.Name);
            output.WriteLine($"{client.Name}: {Records} records there and back");
        }
    }

    [Theory]
    [InlineData("none")]
    [InlineData("gzip")]
    [InlineData("snappy")]
    [InlineData("lz4")]
    [InlineData("zstd")]
    public async Task Clients_read_each_others_records(string codec)
    {
        string topic = $"shared-{codec}";
        RealClient[] clients = [.. Clients().Where(c => c.Codecs.Contains(codec))];
        var written = new List<string>();
        foreach (RealClient writer in clients)
        {
            string[] lines = Lines(writer, codec, 500);
            await writer.ProduceAsync(_broker.Bootstrap, topic, codec, lines);
            written.AddRange(lines);
        }

        foreach (RealClient reader in clients)
        {
            AssertSame(written, await reader.ConsumeAsync(_broker.Bootstrap, topic, $"readers-{reader.Name}", written.Count), reader.Name);
        }

        output.WriteLine($"{codec}: {clients.Length} clients read all {written.Count} records of each other");
    }

    private static string[] Lines(RealClient client, string kind, int count) =>
        [.. Enumerable.Range(0, count).Select(i => $"{client.Name} {kind} {i} {new string((char)('a' + (i % 26)), i % 60)}.")];

    private static void AssertSame(IEnumerable<string> expected, IEnumerable<string> actual, string who)
    {
        string[] missing = [.. expected.Except(actual)];
        Assert.True(missing.Length == 0, $"{who} misses {missing.Length} records, the first is '{missing.FirstOrDefault()}'");
        Assert.Equal(expected.Select(l => l.Trim()).Order(StringComparer.Ordinal), actual.Select(l => l.Trim()).Order(StringComparer.Ordinal));
    }
}
