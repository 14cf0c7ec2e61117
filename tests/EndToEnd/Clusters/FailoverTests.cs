using System.Diagnostics;
using System.Globalization;
using Broker.ZooKeeper;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>
/// Three brokers with the default session of 18 s; a leader is killed. The time to the next acknowledged record is printed. BROKER_FAILOVERS says how many leaders of either
/// kind are killed, BROKER_FAILOVER_KAFKA=1 does the same to Apache Kafka 3.9 afterwards.
/// </summary>
public sealed class FailoverTests(ITestOutputHelper output)
{
    private static int Failovers => int.Parse(Environment.GetEnvironmentVariable("BROKER_FAILOVERS") ?? "1", CultureInfo.InvariantCulture);

    [ZooKeeperFact]
    public async Task Others_lead_what_a_killed_broker_led_while_its_session_still_is_there()
    {
        await MeasureAsync(BrokerKind.Ours, Failovers);
        if (Environment.GetEnvironmentVariable("BROKER_FAILOVER_KAFKA") == "1")
        {
            await MeasureAsync(BrokerKind.Kafka, Failovers);
        }
    }

    private async Task MeasureAsync(BrokerKind kind, int failovers)
    {
        await using MemberCluster cluster = await MemberCluster.CreateAsync(3);
        await Task.WhenAll(cluster.Members.Select(m => m.StartAsync(kind)));
        await using ZooKeeperClient tree = await ZooKeeperClient.ConnectAsync(new ZooKeeperClientOptions(ZooKeeperConnectString.Parse(cluster.ZooKeeperAddresses)), TimeProvider.System);
        foreach (bool isController in (bool[])[false, true])
        {
            var times = new List<double>();
            for (int i = 0; i < failovers; i++)
            {
                times.Add(await KillAsync(cluster, kind, tree, isController));
            }

            times.Sort();
            string what = isController ? "the leader that is the controller" : "the leader";
            output.WriteLine($"{string.Join(" ", times.Select(t => $"{t:F0}"))}\n{kind}, kill -9 of {what}, {failovers} times: next acknowledged record after {times[times.Count / 2]:F0} ms in the median, {times[0]:F0} to {times[^1]:F0} ms");
        }
    }

    private static async Task<double> KillAsync(MemberCluster cluster, BrokerKind kind, ZooKeeperClient tree, bool isController)
    {
        int controller = await cluster.ControllerAsync();
        ClusterMember victim = isController ? cluster[controller] : cluster.Members.First(m => m.Id != controller);
        string topic = $"led-by-{victim.Id}-{Guid.NewGuid():n}";
        using (IAdminClient admin = cluster.Admin())
        {
            int[] ids = [victim.Id, .. cluster.Members.Select(m => m.Id).Where(id => id != victim.Id)];
            await admin.CreateTopicsAsync([new TopicSpecification
            {
                Name = topic, NumPartitions = ids.Length, ReplicationFactor = -1,
                ReplicasAssignments = Enumerable.Range(0, ids.Length).ToDictionary(p => p, p => (List<int>)[ids[p], .. ids.Where(id => id != ids[p])]),
            }]);
        }

        await cluster.FullIsrAsync($"after {topic} was created", topic);
        string registration = $"/brokers/ids/{victim.Id}";
        long session = (await tree.GetDataAsync(registration)).Stat.Czxid;
        await using var probe = new AcknowledgementProbe(cluster.Bootstrap, topic, cluster.Members.Length);
        for (int i = 0; i < 100; i++)
        {
            await probe.NextAsync(Stopwatch.GetTimestamp());
        }

        long killed = Stopwatch.GetTimestamp();
        await victim.KillAsync();
        double ms = Stopwatch.GetElapsedTime(killed, await probe.NextAsync(Stopwatch.GetTimestamp())).TotalMilliseconds;
        if (kind == BrokerKind.Ours)
        {
            ZooKeeperStat? still = await tree.ExistsAsync(registration);
            Assert.True(still?.Czxid == session, $"others led only when the session of broker {victim.Id} was over\n{cluster.Logs}");
            Assert.NotEqual(victim.Id, cluster.Leaders(topic)[0]);
        }

        await victim.StartAsync(kind);
        await cluster.FullIsrAsync($"after broker {victim.Id} came back");
        return ms;
    }
}
