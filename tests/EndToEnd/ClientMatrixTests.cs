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

    [Fact]
    public async Task Clients_read_each_others_records_in_every_codec()
    {
        var written = new List<string>();
        RealClient[] clients = [.. Clients()];
        foreach (RealClient writer in clients)
        {
            foreach (string codec in writer.Codecs)
            {
                string[] lines = Lines(writer, codec, 500);
                await writer.ProduceAsync(_broker.Bootstrap, "shared", codec, lines);
                written.AddRange(lines);
            }
        }

        foreach (RealClient reader in clients)
        {
            // Fetch versions before 10 cannot carry zstd, and the client of 0.10 would not know what to do with it.
            IReadOnlyList<string> read = reader.Name == "java-0.10"
                ? await ReadWithoutZstdAsync(reader, clients)
                : await reader.ConsumeAsync(_broker.Bootstrap, "shared", $"shared-{reader.Name}", written.Count);
            if (reader.Name != "java-0.10")
            {
                AssertSame(written, read, reader.Name);
            }

            output.WriteLine($"{reader.Name} read {read.Count} records of {clients.Length} clients");
        }
    }

    private async Task<IReadOnlyList<string>> ReadWithoutZstdAsync(RealClient reader, RealClient[] writers)
    {
        var written = new List<string>();
        foreach (RealClient writer in writers)
        {
            foreach (string codec in writer.Codecs.Where(c => c != "zstd"))
            {
                string[] lines = Lines(writer, codec, 100);
                await writer.ProduceAsync(_broker.Bootstrap, "shared-old", codec, lines);
                written.AddRange(lines);
            }
        }

        IReadOnlyList<string> read = await reader.ConsumeAsync(_broker.Bootstrap, "shared-old", $"shared-{reader.Name}", written.Count);
        AssertSame(written, read, reader.Name);
        return read;
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
