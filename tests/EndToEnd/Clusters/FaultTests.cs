using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>
/// Three brokers and three ZooKeepers under load: whoever leads, follows, is the controller or a ZooKeeper dies, stops, pauses, or is cut off. Everything acknowledged is
/// read once and in order, live and in the end; the high watermark never goes back; replicas are the same byte for byte; who is cut off acknowledges nothing.
/// </summary>
public sealed class FaultTests(ITestOutputHelper output)
{
    private const string Topic = "numbers";
    private const int Partitions = 3;

    /// <summary>Of each test.</summary>
    private static int Faults => Number("BROKER_FAULTS", 20);

    /// <summary>The longest; most are much shorter, so that some pass before anybody notices.</summary>
    private static int MostMs => Number("BROKER_FAULT_MS", 6000);

    [ZooKeeperFact]
    public Task Brokers_and_ZooKeepers_are_killed() => RunAsync(Fault.Kill);

    [ZooKeeperFact]
    public Task Brokers_and_ZooKeepers_are_stopped() => RunAsync(Fault.Stop);

    [ZooKeeperFact]
    public Task Brokers_and_ZooKeepers_are_paused() => RunAsync(Fault.Pause);

    [NetworkFact]
    public Task Networks_of_brokers_and_ZooKeepers_are_cut_and_lose_frames() => RunAsync(Fault.Isolate, Fault.Silence, Fault.Deafen, Fault.Part, Fault.Orphan, Fault.Lose);

    /// <summary>What looks for losses finds them: a topic that may be led by who was not in sync, in a cluster that makes it so.</summary>
    [ZooKeeperFact]
    public async Task Records_that_are_lost_are_missed()
    {
        const string Careless = "careless";
        await using FaultyCluster cluster = await FaultyCluster.StartAsync(new Random(0), hasNetwork: false, Topic, Partitions);
        MemberCluster brokers = cluster.Brokers;
        using (IAdminClient admin = brokers.Admin())
        {
            var configs = new Dictionary<string, string> { ["min.insync.replicas"] = "1", ["unclean.leader.election.enable"] = "true" };
            await admin.CreateTopicsAsync([new TopicSpecification { Name = Careless, NumPartitions = 1, ReplicationFactor = 3, Configs = configs }]);
        }

        await brokers.FullIsrAsync("at first", Careless);
        await using var load = new VerifiedLoad(brokers.Bootstrap, Careless, 1);
        await using var reader = new SteadyReader(brokers.Bootstrap, Careless, 1);
        await using var watch = new HighWatermarkWatch(brokers.Members, Careless, 1);
        await load.ProgressAsync("at first", () => brokers.Logs);
        int leader = brokers.Leaders(Careless)[0];
        ClusterMember[] followers = [.. brokers.Members.Where(m => m.Id != leader)];
        foreach (ClusterMember follower in followers)
        {
            await follower.StopAsync();
            await load.ProgressAsync($"without {follower.Id}", () => brokers.Logs);
        }

        // Read what the first follower does not have, then let it lead.
        int acknowledged = load.Acknowledged;
        await Eventually.TrueAsync(() => reader.Count >= acknowledged, "the reader has read all that was acknowledged");
        watch.Check();
        reader.Check();
        await brokers[leader].KillAsync();
        await followers[0].StartAsync(BrokerKind.Ours);
        await Eventually.TrueAsync(() => Record.Exception(watch.Check) is { } e && e.Message.Contains("the high watermark was", StringComparison.Ordinal), $"a high watermark that went back is seen\n{brokers.Logs}");
        await Eventually.TrueAsync(() => Record.Exception(reader.Check) is not null, $"a reader sees that what it read is no more\n{brokers.Logs}");
        await Assert.ThrowsAnyAsync<Exception>(() => load.StopAsync(() => ""));
    }

    private async Task RunAsync(params Fault[] faults)
    {
        int seed = Number("BROKER_TEST_SEED", Random.Shared.Next());
        Say($"BROKER_TEST_SEED={seed} BROKER_FAULTS={Faults} BROKER_FAULT_MS={MostMs}");
        var random = new Random(seed);
        await using FaultyCluster cluster = await FaultyCluster.StartAsync(random, hasNetwork: faults[0] > Fault.Pause, Topic, Partitions);
        MemberCluster brokers = cluster.Brokers;
        await using var load = new VerifiedLoad(brokers.Bootstrap, Topic, Partitions);
        await using var reader = new SteadyReader(brokers.Bootstrap, Topic, Partitions);
        await using var watch = new HighWatermarkWatch(brokers.Members, Topic, Partitions);
        (Fault Fault, Victim Victim)[] all = [.. from fault in faults from victim in Enum.GetValues<Victim>() select (fault, victim)];
        TimeSpan longest = TimeSpan.Zero;
        for (int i = 0; i < Faults; i++)
        {
            if (i % all.Length == 0)
            {
                random.Shuffle(all);
            }

            (Fault fault, Victim victim) = all[i % all.Length];
            int ms = 100 + (int)(Math.Pow(random.NextDouble(), 3) * (MostMs - 100));
            string name = $"fault {i}, {fault} of {victim} for {ms} ms, seed {seed}";
            await load.ProgressAsync($"before {name}", () => brokers.Logs);
            load.TakeLongestPause();
            string what = await cluster.StrikeAsync(fault, victim, Topic, ms);
            await load.ProgressAsync($"after {name}", () => brokers.Logs);
            await brokers.FullIsrAsync($"after {name}");
            TimeSpan pause = load.TakeLongestPause();
            longest = pause > longest ? pause : longest;
            Say($"{DateTime.Now:T} {name}: {what}; longest pause {pause.TotalSeconds:F1} s");
            watch.Check();
            reader.Check();
        }

        Say($"{load.Acknowledged} records acknowledged, longest pause {longest.TotalSeconds:F1} s, {cluster.Refusals} times nothing acknowledged by who was cut off, {watch.Summary}");
        await load.StopAsync(() => brokers.Logs);
        await reader.FinishAsync(() => brokers.Logs);
        watch.Check();
        await brokers.FullIsrAsync($"at the end, seed {seed}");
        await brokers.StopAndCompareAsync();
    }

    /// <summary>To the test's output, which is shown when it ends, and to a file that can be looked at before.</summary>
    private void Say(string line)
    {
        output.WriteLine(line);
        if (Environment.GetEnvironmentVariable("BROKER_FAULT_LOG") is { } file)
        {
            File.AppendAllText(file, $"{line}\n");
        }
    }

    private static int Number(string variable, int otherwise) => int.Parse(Environment.GetEnvironmentVariable(variable) ?? $"{otherwise}", CultureInfo.InvariantCulture);
}
