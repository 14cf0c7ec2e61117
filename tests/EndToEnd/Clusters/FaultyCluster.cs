using Broker.ZooKeeper.Tests;

namespace Broker.EndToEnd;

/// <summary>What happens to a broker or to a server of the ZooKeeper ensemble.</summary>
internal enum Fault
{
    /// <summary>SIGKILL, and a start some time after.</summary>
    Kill,

    /// <summary>SIGTERM, and a start some time after.</summary>
    Stop,

    /// <summary>SIGSTOP, and SIGCONT some time after.</summary>
    Pause,

    /// <summary>Nothing comes to it or from it.</summary>
    Isolate,

    /// <summary>It hears everybody, and nobody hears it.</summary>
    Silence,

    /// <summary>Everybody hears it, and it hears nobody.</summary>
    Deafen,

    /// <summary>It and another of its kind do not reach each other: everybody else is a bridge between them.</summary>
    Part,

    /// <summary>A broker reaches clients and brokers, but no ZooKeeper; a ZooKeeper everybody but the other two.</summary>
    Orphan,

    /// <summary>10 to 30 % of the frames that it sends, or else of those to it, are lost.</summary>
    Lose,
}

internal enum Victim
{
    Leader,
    Follower,
    Controller,
    ZooKeeper,
}

/// <summary>
/// Three brokers on an ensemble of three ZooKeepers, and what is done to them. Where networks are cut each of the six is in a namespace of its own, otherwise all are at this
/// machine's loopback. The topic <c>private</c> is for those who are cut off: nothing sent to it may be acknowledged.
/// </summary>
internal sealed class FaultyCluster : IAsyncDisposable
{
    private const string Private = "private";
    private const int Size = 3;

    /// <summary>Longer than the session, so that others lead while it lasts; and than a client in the minority waits for an acknowledgement.</summary>
    private const int ShortestCutMs = 4000;

    private readonly ZooKeeperEnsemble _ensemble;
    private readonly TestNetwork? _network;
    private readonly Random _random;

    private FaultyCluster(ZooKeeperEnsemble ensemble, TestNetwork? network, MemberCluster brokers, Random random) => (_ensemble, _network, Brokers, _random) = (ensemble, network, brokers, random);

    public MemberCluster Brokers { get; }

    /// <summary>How often a client beside a leader that was cut off was refused.</summary>
    public int Refusals { get; private set; }

    public static async Task<FaultyCluster> StartAsync(Random random, bool hasNetwork, string topic, int partitions)
    {
        TestNetwork? network = hasNetwork ? await TestNetwork.CreateAsync(2 * Size) : null;
        ZooKeeperEnsemble ensemble = await ZooKeeperEnsemble.StartAsync(network is null ? null : [.. network.Spaces.Skip(Size).Select(s => new ZooKeeperPlace(s.Address, s.Name))]);
        MemberCluster brokers = MemberCluster.Create(
            Size, ensemble, network?.Spaces, "zookeeper.session.timeout.ms=3000", "zookeeper.connection.timeout.ms=30000", "min.insync.replicas=2", "default.replication.factor=3",
            "offsets.topic.replication.factor=3", "offsets.topic.num.partitions=3", "group.initial.rebalance.delay.ms=0", "replica.lag.time.max.ms=3000", "replica.socket.timeout.ms=3000",
            "controller.socket.timeout.ms=3000", "leader.imbalance.check.interval.seconds=5", "log.segment.bytes=4194304");
        var cluster = new FaultyCluster(ensemble, network, brokers, random);
        await Task.WhenAll(brokers.Members.Select(m => m.StartAsync(BrokerKind.Ours)));
        await brokers.CreateTopicAsync(topic, partitions);
        await brokers.CreateTopicAsync(Private, Size);
        return cluster;
    }

    /// <summary>Does it for about so long, and undoes it. Returns what happened to whom.</summary>
    public async Task<string> StrikeAsync(Fault fault, Victim victim, string topic, int ms)
    {
        if (victim == Victim.ZooKeeper)
        {
            string mode = _random.Next(2) == 0 ? "leader" : "follower";
            ZooKeeperServer server = await _ensemble.FindAsync(mode);
            int number = _ensemble.Servers.ToList().IndexOf(server);
            string what = fault <= Fault.Pause ? await StrikeAsync(server, fault, ms) : await CutAsync(fault, _network!.Spaces[Size + number], ms, null);
            await _ensemble.WaitUntilServingAsync();
            return $"ZooKeeper {number + 1} ({mode}){what}";
        }

        ClusterMember member = Brokers[await FindAsync(victim, topic)];
        return $"broker {member.Id}{(fault <= Fault.Pause ? await StrikeAsync(member, fault, ms) : await CutAsync(fault, _network!.Spaces[member.Id - 1], ms, member))}";
    }

    public async ValueTask DisposeAsync()
    {
        await Brokers.DisposeAsync();
        if (_network is not null)
        {
            await _network.DisposeAsync();
        }
    }

    private async Task<int> FindAsync(Victim victim, string topic)
    {
        if (victim == Victim.Controller)
        {
            return await Brokers.ControllerAsync();
        }

        IReadOnlyList<int> leaders = Brokers.Leaders(topic);
        int leader = leaders[_random.Next(leaders.Count)];
        return victim == Victim.Leader ? leader : ((leader + _random.Next(Size - 1)) % Size) + 1;
    }

    private static async Task<string> StrikeAsync(ClusterMember member, Fault fault, int ms)
    {
        if (fault == Fault.Pause)
        {
            member.Pause();
            await Task.Delay(ms);
            member.Resume();
            return "";
        }

        await (fault == Fault.Kill ? member.KillAsync() : member.StopAsync());
        await Task.Delay(ms);
        await member.StartAsync(BrokerKind.Ours);
        return "";
    }

    private static async Task<string> StrikeAsync(ZooKeeperServer server, Fault fault, int ms)
    {
        if (fault == Fault.Pause)
        {
            server.Pause();
            await Task.Delay(ms);
            server.Resume();
            return "";
        }

        Action end = fault == Fault.Kill ? server.Kill : server.Stop;
        end();
        await Task.Delay(ms);
        server.Launch();
        return "";
    }

    /// <param name="fault">What.</param>
    /// <param name="space">Whose.</param>
    /// <param name="ms">How long, besides the shortest time.</param>
    /// <param name="broker">Who is in it, unless it is a ZooKeeper.</param>
    private async Task<string> CutAsync(Fault fault, NetworkSpace space, int ms, ClusterMember? broker)
    {
        string how = await BeginAsync(fault, space);
        Task lasts = Task.Delay(ShortestCutMs + ms);

        // Cut off like this a leader does not hear that its followers have something.
        int led = broker is not null && fault is Fault.Isolate or Fault.Silence or Fault.Deafen ? Brokers.Leaders(Private).ToList().IndexOf(broker!.Id) : -1;
        if (led >= 0)
        {
            await AssertNothingIsAcknowledgedAsync(broker!, space, led);
            how += ", refused a client beside it";
            Refusals++;
        }

        await lasts;
        long dropped = await _network!.HealAsync();
        Assert.True(dropped > 0, $"{fault} of {space.Name} has cut nothing");
        return $"{how}, {dropped} frames dropped";
    }

    private async Task<string> BeginAsync(Fault fault, NetworkSpace space)
    {
        TestNetwork network = _network!;
        switch (fault)
        {
            case Fault.Isolate:
                await network.IsolateAsync(space);
                return "";
            case Fault.Silence:
                await network.SilenceAsync(space);
                return "";
            case Fault.Deafen:
                await network.DeafenAsync(space);
                return "";
            case Fault.Part:
                int other = await TalksToAsync(Array.IndexOf(network.Spaces, space));
                await network.PartAsync(space, network.Spaces[other]);
                return $" from {(other < Size ? $"broker {other + 1}" : $"ZooKeeper {other - Size + 1}")}";
            case Fault.Orphan:
                await network.PartAsync(space, network.Spaces.Skip(Size).Where(s => s != space));
                return "";
            default:
                (int percent, bool sent) = (_random.Next(10, 31), _random.Next(2) == 0);
                await network.LoseAsync(space, percent, sent);
                return $", {percent} % of what it {(sent ? "sends" : "gets")}";
        }
    }

    /// <summary>Somebody it always talks to: to a broker any other, to a ZooKeeper its leader, to that any other. Between two that do not talk nothing would be cut.</summary>
    private async Task<int> TalksToAsync(int self)
    {
        int first = self < Size ? 0 : Size, random = first + ((self - first + 1 + _random.Next(Size - 1)) % Size);
        if (self < Size)
        {
            return random;
        }

        int leader = Size + _ensemble.Servers.ToList().IndexOf(await _ensemble.FindAsync("leader"));
        return leader == self ? random : leader;
    }

    /// <summary>A leader that is alone takes records as long as nobody has told it that it is none any more, but must not say that they are safe.</summary>
    private static async Task AssertNothingIsAcknowledgedAsync(ClusterMember member, NetworkSpace space, int partition)
    {
        CommandResult sent = await Command.RunAsync(
            "ip", ["netns", "exec", space.Name, "kcat", "-P", "-b", member.Bootstrap, "-t", Private, "-p", $"{partition}", "-X", "acks=all", "-X", "message.timeout.ms=2500"], "from the minority\n");
        Assert.True(sent.ExitCode != 0 || sent.Error.Contains("Delivery failed", StringComparison.Ordinal), $"broker {member.Id} acknowledged a record while it was cut off\n{sent.Output}{sent.Error}");
    }
}
