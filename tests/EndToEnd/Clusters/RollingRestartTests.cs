using System.Globalization;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>
/// Three brokers are restarted one after the other (SIGTERM, start, wait for the full ISR) while clients write and read: none of them sees an error. The pauses are printed.
/// BROKER_ROLLING_RESTARTS says how many restarts, BROKER_ROLLING_KAFKA_RESTARTS how many of Apache Kafka 3.9 afterwards, BROKER_ROLLING_INTERVAL_MS how long after one the next begins
/// at the earliest: librdkafka doubles its pause before it connects again until ten seconds have passed without an attempt, so that who restarts quickly is waited for longer and longer.
/// </summary>
public sealed class RollingRestartTests(ITestOutputHelper output)
{
    private const string Native = "native";
    private const string Java = "java";
    private const int Partitions = 3;

    [ZooKeeperFact(needsKafka: true)]
    public async Task No_client_sees_an_error_while_brokers_are_restarted()
    {
        await RestartAsync(BrokerKind.Ours, Number("BROKER_ROLLING_RESTARTS", 3));
        if (Number("BROKER_ROLLING_KAFKA_RESTARTS", 0) is > 0 and int count)
        {
            await RestartAsync(BrokerKind.Kafka, count);
        }
    }

    private async Task RestartAsync(BrokerKind kind, int restarts)
    {
        await using MemberCluster cluster = await MemberCluster.CreateAsync(
            3, "default.replication.factor=3", "min.insync.replicas=2", "offsets.topic.replication.factor=3", "offsets.topic.num.partitions=6", "group.initial.rebalance.delay.ms=0");
        await Task.WhenAll(cluster.Members.Select(m => m.StartAsync(kind)));
        await cluster.CreateTopicAsync(Native, Partitions);
        await cluster.CreateTopicAsync(Java, Partitions);
        string Logs() => cluster.Logs;
        await using var native = new VerifiedLoad(cluster.Bootstrap, Native, Partitions);
        await using JavaLoad java = await JavaLoad.StartAsync(cluster.Bootstrap, Java, Partitions);
        await native.ProgressAsync("before the first restart", Logs);
        await java.TakeLongestPauseAsync("before the first restart", Logs);
        native.TakeLongestPause();
        var pauses = new List<(double Native, double Java)>();
        for (int i = 0; i < restarts; i++)
        {
            ClusterMember member = cluster[(i % 3) + 1];
            string name = $"restart {i} of broker {member.Id}";
            Task interval = Task.Delay(Number("BROKER_ROLLING_INTERVAL_MS", 0));
            await member.StopAsync();
            await member.StartAsync(kind);
            await cluster.FullIsrAsync($"after {name}");
            await native.ProgressAsync($"after {name}", Logs);
            pauses.Add((native.TakeLongestPause().TotalMilliseconds, (await java.TakeLongestPauseAsync($"after {name}", Logs)).TotalMilliseconds));
            await interval;
        }

        await native.StopAsync(Logs);
        await java.StopAsync(Logs);
        output.WriteLine($"{kind}: {restarts} restarts, {native.Acknowledged} records of librdkafka; longest pause of a partition: librdkafka {Text(pauses.Select(p => p.Native))}, Java {Text(pauses.Select(p => p.Java))}");
        output.WriteLine(string.Join(' ', pauses.Select(p => $"{p.Native:F0}/{p.Java:F0}")));
    }

    private static string Text(IEnumerable<double> ms)
    {
        double[] sorted = [.. ms.Order()];
        return $"{sorted[sorted.Length / 2]:F0} ms in the median, {sorted[^1]:F0} ms at most";
    }

    private static int Number(string variable, int otherwise) => int.Parse(Environment.GetEnvironmentVariable(variable) ?? $"{otherwise}", CultureInfo.InvariantCulture);
}
