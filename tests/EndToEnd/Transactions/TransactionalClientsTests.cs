using System.Globalization;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>Java clients of three ages and kafkajs commit, abort, move offsets and fence; the programs beside this say how.</summary>
public sealed class TransactionalClientsTests : IAsyncLifetime
{
    private IServerUnderTest _server = null!;

    public async Task InitializeAsync() => _server = await ServerUnderTest.StartAsync("group.initial.rebalance.delay.ms=0");

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [KafkaFact]
    public async Task Java_clients_of_2_8_3_9_and_4_3()
    {
        string source = await File.ReadAllTextAsync(Path.Combine(Repository.Clients, "java", "TransactionalScenario.java"));
        using JavaProgram program = await JavaProgram.CompileAsync("TransactionalScenario", source, against: "2.8");
        foreach (string version in (string[])["2.8", "3.9", "4.3"])
        {
            await AssertScenarioAsync($"java-{version}", prefix => program.RunAsync(version, _server.Bootstrap, prefix));
        }
    }

    [Fact]
    public Task Kafkajs() =>
        AssertScenarioAsync("kafkajs", prefix => Command.RunAsync("node", [Path.Combine(Repository.Clients, "node", "transactions.js"), _server.Bootstrap, prefix]));

    private async Task AssertScenarioAsync(string prefix, Func<string, Task<CommandResult>> run)
    {
        var client = new ConfluentDotnet();
        await client.CreateTopicAsync(_server.Bootstrap, $"{prefix}-in", 1);
        await client.CreateTopicAsync(_server.Bootstrap, $"{prefix}-out", 1);
        await client.ProduceAsync(_server.Bootstrap, $"{prefix}-in", "none", Numbered("line", 10));
        // As in any application's life there was a group before: kafkajs does not wait while a fresh server makes the topic of the groups.
        TransactionalClient.Committed(_server.Bootstrap, $"{prefix}-group", new TopicPartition($"{prefix}-in", 0), IsolationLevel.ReadCommitted);
        CommandResult result = (await run(prefix)).Succeeded();
        string[] committed = [.. Numbered("committed", 5), .. Numbered("copied line", 5), "of the successor 0"];
        string[] expected =
        [
            "offset after abort none", "offset after commit 5", "fenced",
            .. committed.Select(value => $"read_committed {value}"),
            "read_uncommitted 22",
        ];
        Assert.True(expected.SequenceEqual(result.Lines), $"{prefix} printed\n{result.Output}{result.Error}");
        // And another client sees the same.
        Assert.Equal(committed, StoredRecords.Values(_server.Bootstrap, $"{prefix}-out", 1, IsolationLevel.ReadCommitted));
        Assert.Equal(5, TransactionalClient.Committed(_server.Bootstrap, $"{prefix}-group", new TopicPartition($"{prefix}-in", 0), IsolationLevel.ReadCommitted));
    }

    private static string[] Numbered(string name, int count) => [.. Enumerable.Range(0, count).Select(i => string.Create(CultureInfo.InvariantCulture, $"{name} {i}"))];
}
