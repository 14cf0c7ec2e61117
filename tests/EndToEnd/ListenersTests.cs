using Broker.ZooKeeper.Tests;
using Confluent.Kafka;

namespace Broker.EndToEnd;

/// <summary>What the settings of listeners do, seen from clients and from the person who got them wrong.</summary>
public sealed class ListenersTests
{
    [Fact]
    public async Task Each_listener_advertises_its_own_endpoint()
    {
        int[] ports = FreePorts.Find(2);
        await using BrokerProcess broker = await BrokerProcess.StartAsync(
            $"listeners=INSIDE://127.0.0.1:{ports[0]},OUTSIDE://127.0.0.1:{ports[1]}",
            $"advertised.listeners=INSIDE://127.0.0.1:{ports[0]},OUTSIDE://localhost:{ports[1]}",
            "listener.security.protocol.map=INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT",
            "inter.broker.listener.name=INSIDE");
        Assert.Equal($"127.0.0.1:{ports[0]}", Advertised($"127.0.0.1:{ports[0]}"));
        Assert.Equal($"localhost:{ports[1]}", Advertised($"127.0.0.1:{ports[1]}"));

        // And that is where a client goes: it writes by one and reads by the other.
        var client = new ConfluentDotnet();
        await client.CreateTopicAsync($"127.0.0.1:{ports[1]}", "shared", 2);
        string[] lines = [.. Enumerable.Range(0, 100).Select(i => $"record {i}")];
        await client.ProduceAsync($"127.0.0.1:{ports[1]}", "shared", "none", lines);
        IReadOnlyList<string> read = await client.ConsumeAsync($"127.0.0.1:{ports[0]}", "shared", "readers", lines.Length);
        Assert.Equal(lines.Order(StringComparer.Ordinal), read.Order(StringComparer.Ordinal));
        await broker.StopAsync();
    }

    [Fact]
    public async Task All_configuration_errors_are_reported_at_once()
    {
        (string Key, string Value)[] wrong =
        [
            ("num.partitions", "many"), ("log.retention.hours", "soon"), ("listeners", "PLAINTEXT://127.0.0.1:99999"), ("broker.id", "-7"), ("compression.type", "rar"),
        ];
        CommandResult result = await Command.RunAsync(Repository.BrokerExecutable, wrong.SelectMany(pair => (string[])["--override", $"{pair.Key}={pair.Value}"]));
        Assert.True(result.ExitCode == 1, $"ended with {result.ExitCode}\n{result.Output}\n{result.Error}");
        Assert.All(wrong, pair => Assert.Contains($"  {pair.Key} = {pair.Value}", result.Error, StringComparison.Ordinal));
        Assert.Contains($"there are {wrong.Length} errors in its configuration", result.Error, StringComparison.Ordinal);
    }

    private static string Advertised(string bootstrap)
    {
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build();
        BrokerMetadata broker = Assert.Single(admin.GetMetadata(TimeSpan.FromSeconds(20)).Brokers);
        return $"{broker.Host}:{broker.Port}";
    }
}
