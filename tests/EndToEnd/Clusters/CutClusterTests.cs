using System.Globalization;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>
/// Three brokers, each in a network of its own, under load: processes die, stop and pause, cables are cut both ways, one way and between two, under whoever leads,
/// follows or is the controller, and ZooKeeper goes away.
/// </summary>
public sealed class CutClusterTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Topic = "numbers";
    private const string Private = "private";
    private const int Partitions = 3;

    /// <summary>Longer than the session, so that others lead while it lasts; and than a client in the minority waits for an acknowledgement.</summary>
    private const int ShortestIsolationMs = 5000;

    private enum Fault
    {
        Kill,
        Stop,
        Pause,
        Isolate,
        Silence,
        Part,
    }

    private enum Victim
    {
        Leader,
        Follower,
        Controller,
        ZooKeeper,
    }

    private static int Faults => Number("BROKER_CUT_FAULTS", 6);

    private static int MostMs => Number("BROKER_CUT_MS", 6000);

    private NetworkSpace[] _networks = [];
    private MemberCluster? _cluster;

    // Not before the test runs: where it is skipped, this is called too.
    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }

        foreach (NetworkSpace network in _networks)
        {
            await network.DisposeAsync();
        }
    }

    [NetworkFact]
    public async Task Nothing_acknowledged_is_lost_whatever_dies_or_is_cut_off()
    {
        int seed = Number("BROKER_TEST_SEED", Random.Shared.Next());
        output.WriteLine($"BROKER_TEST_SEED={seed} BROKER_CUT_FAULTS={Faults} BROKER_CUT_MS={MostMs}");
        var random = new Random(seed);
        _networks = await NetworkSpace.CreateAsync(3);
        MemberCluster cluster = _cluster = await MemberCluster.CreateAsync(
            _networks, "zookeeper.session.timeout.ms=3000", "min.insync.replicas=2", "default.replication.factor=3", "offsets.topic.replication.factor=3", "offsets.topic.num.partitions=3",
            "replica.lag.time.max.ms=4000", "replica.socket.timeout.ms=4000", "controller.socket.timeout.ms=4000", "group.initial.rebalance.delay.ms=0", "log.segment.bytes=4194304");
        await Task.WhenAll(cluster.Members.Select(m => m.StartAsync(BrokerKind.Ours)));
        await cluster.CreateTopicAsync(Topic, Partitions);
        await cluster.CreateTopicAsync(Private, Partitions);
        await using var load = new VerifiedLoad(cluster.Bootstrap, Topic, Partitions);
        await using var watch = new HighWatermarkWatch(cluster.Bootstrap, Topic, Partitions);
        (Fault Fault, Victim Victim)[] all = [.. from fault in Enum.GetValues<Fault>() from victim in Enum.GetValues<Victim>() where victim != Victim.ZooKeeper || fault is Fault.Kill or Fault.Pause select (fault, victim)];
        for (int i = 0; i < Faults; i++)
        {
            if (i % all.Length == 0)
            {
                random.Shuffle(all);
            }

            (Fault fault, Victim victim) = all[i % all.Length];
            int ms = random.Next(100, MostMs);
            string name = $"fault {i}, {fault} of {victim} for {ms} ms, seed {seed}";
            await load.ProgressAsync($"before {name}", () => cluster.Logs);
            string what = victim == Victim.ZooKeeper ? await LoseZooKeeperAsync(cluster, fault, ms) : await StrikeAsync(cluster, _networks, fault, await FindAsync(cluster, victim, random), ms);
            output.WriteLine($"{name}: {what}");
            await load.ProgressAsync($"after {name}", () => cluster.Logs);
            await cluster.FullIsrAsync($"after {name}");
            watch.Check();
        }

        output.WriteLine($"{load.Acknowledged} records acknowledged, longest pause {load.TakeLongestPause().TotalSeconds:F1} s");
        await load.StopAsync(() => cluster.Logs);
        watch.Check();
        await cluster.FullIsrAsync($"at the end, seed {seed}");
        await cluster.StopAndCompareAsync();
    }

    private static async Task<int> FindAsync(MemberCluster cluster, Victim victim, Random random)
    {
        int leader = cluster.Leaders(Topic)[0];
        return victim switch
        {
            Victim.Leader => leader,
            Victim.Controller => await cluster.ControllerAsync(),
            _ => (leader % 3) + 1 is var next && random.Next(2) == 0 ? next : (next % 3) + 1,
        };
    }

    private static async Task<string> StrikeAsync(MemberCluster cluster, NetworkSpace[] networks, Fault fault, int id, int ms)
    {
        ClusterMember member = cluster[id];
        NetworkSpace network = networks[id - 1];
        string said = "";
        switch (fault)
        {
            case Fault.Kill:
                await member.KillAsync();
                await Task.Delay(ms / 4);
                await member.StartAsync(BrokerKind.Ours);
                break;
            case Fault.Stop:
                await member.StopAsync();
                await Task.Delay(ms / 4);
                await member.StartAsync(BrokerKind.Ours);
                break;
            case Fault.Pause:
                member.Pause();
                await Task.Delay(ms);
                member.Resume();
                break;
            case Fault.Isolate:
                int partition = cluster.Leaders(Private).ToList().IndexOf(id);
                await network.IsolateAsync();
                Task lasts = Task.Delay(ShortestIsolationMs + ms);
                if (partition >= 0)
                {
                    await AssertNothingIsAcknowledgedAsync(member, network, partition);
                    said = ", a client beside it got no acknowledgement";
                }

                await lasts;
                await network.HealAsync();
                break;
            case Fault.Silence:
                await network.SilenceAsync();
                await Task.Delay(ms);
                await network.HealAsync();
                break;
            default:
                NetworkSpace other = networks[id % networks.Length];
                await network.PartAsync(other);
                await Task.Delay(ms);
                await network.HealAsync();
                await other.HealAsync();
                break;
        }

        return $"broker {id}{said}";
    }

    private static async Task<string> LoseZooKeeperAsync(MemberCluster cluster, Fault fault, int ms)
    {
        if (fault == Fault.Kill)
        {
            cluster.ZooKeeper.Kill();
            await Task.Delay(ms);
            cluster.ZooKeeper.Launch();
            await cluster.ZooKeeper.WaitUntilServingAsync();
        }
        else
        {
            cluster.ZooKeeper.Pause();
            await Task.Delay(ms);
            cluster.ZooKeeper.Resume();
        }

        return "the only server";
    }

    /// <summary>A leader that is alone takes records as long as nobody has told it that it is none any more, but must not say that they are safe.</summary>
    private static async Task AssertNothingIsAcknowledgedAsync(ClusterMember member, NetworkSpace network, int partition)
    {
        CommandResult sent = await Command.RunAsync(
            "ip", ["netns", "exec", network.Name, "kcat", "-P", "-b", member.Bootstrap, "-t", Private, "-p", $"{partition}", "-X", "acks=all", "-X", "message.timeout.ms=2500"], "from the minority\n");
        Assert.True(sent.ExitCode != 0 || sent.Error.Contains("Delivery failed", StringComparison.Ordinal), $"broker {member.Id} acknowledged a record while it was cut off\n{sent.Output}{sent.Error}");
    }

    private static int Number(string variable, int otherwise) => int.Parse(Environment.GetEnvironmentVariable(variable) ?? $"{otherwise}", CultureInfo.InvariantCulture);
}
