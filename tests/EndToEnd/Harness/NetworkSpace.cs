using System.Globalization;

namespace Broker.EndToEnd;

/// <summary>
/// A network namespace of Linux with one address, joined by a cable to a bridge that the test is at too. The cable can be cut both ways, in one, or to one other
/// space. Disposal removes it; the processes in it have ended before.
/// </summary>
internal sealed class NetworkSpace : IAsyncDisposable
{
    private static int _made;

    private readonly string _bridge;
    private readonly string _subnet;
    private readonly bool _ownsBridge;

    private NetworkSpace(string bridge, string subnet, int number, bool ownsBridge)
    {
        (_bridge, _subnet, _ownsBridge) = (bridge, subnet, ownsBridge);
        Name = $"{bridge}-{number}";
        Address = $"{subnet}.{number}";
    }

    /// <summary>For <c>ip netns exec</c>.</summary>
    public string Name { get; }

    public string Address { get; }

    /// <summary>Where the test itself is, and what it runs outside of the spaces.</summary>
    public string Outside => $"{_subnet}.254";

    /// <summary>Whether this machine lets the test make namespaces: root with the right to administer networks.</summary>
    public static bool IsPossible { get; } = OperatingSystem.IsLinux() && Environment.UserName == "root" && Directory.Exists("/run")
        && File.Exists("/sbin/ip") && Try("link", "add", "bkprobe", "type", "bridge") && Try("link", "del", "bkprobe");

    public static async Task<NetworkSpace[]> CreateAsync(int count)
    {
        int number = Interlocked.Increment(ref _made);
        string bridge = string.Create(CultureInfo.InvariantCulture, $"bk{Environment.ProcessId % 100000}{number % 10}");
        string subnet = string.Create(CultureInfo.InvariantCulture, $"10.{77 + (number % 10)}.{Environment.ProcessId % 250}");
        await IpAsync($"link add {bridge} type bridge");
        await IpAsync($"addr add {subnet}.254/24 dev {bridge}");
        await IpAsync($"link set {bridge} up");
        NetworkSpace[] spaces = [.. Enumerable.Range(1, count).Select(i => new NetworkSpace(bridge, subnet, i, ownsBridge: i == count))];
        foreach (NetworkSpace space in spaces)
        {
            await IpAsync($"netns add {space.Name}");
            await IpAsync($"link add {space.Name} type veth peer name inside netns {space.Name}");
            await IpAsync($"link set {space.Name} master {bridge} up");
            await IpAsync($"-n {space.Name} addr add {space.Address}/24 dev inside");
            await IpAsync($"-n {space.Name} link set inside up");
            await IpAsync($"-n {space.Name} link set lo up");
        }

        return spaces;
    }

    /// <summary>Nothing comes in or goes out.</summary>
    public Task IsolateAsync() => IpAsync($"link set {Name} down");

    /// <summary>It hears everybody, and nobody hears it.</summary>
    public async Task SilenceAsync()
    {
        await IpAsync($"-n {Name} route add blackhole {_subnet}.0/25");
        await IpAsync($"-n {Name} route add blackhole {_subnet}.128/25");
    }

    /// <summary>The two do not reach each other; everybody else reaches both.</summary>
    public async Task PartAsync(NetworkSpace other)
    {
        await IpAsync($"-n {Name} route add blackhole {other.Address}/32");
        await IpAsync($"-n {other.Name} route add blackhole {Address}/32");
    }

    /// <summary>As it was at first.</summary>
    public async Task HealAsync()
    {
        await IpAsync($"link set {Name} up");
        await IpAsync($"-n {Name} route flush type blackhole");
    }

    public async ValueTask DisposeAsync()
    {
        await IpAsync($"netns del {Name}");
        if (_ownsBridge)
        {
            await IpAsync($"link del {_bridge}");
        }
    }

    private static async Task IpAsync(string arguments) => (await Command.RunAsync("ip", arguments.Split(' '))).Succeeded();

    private static bool Try(params string[] arguments)
    {
        using System.Diagnostics.Process process = Command.Start("ip", arguments);
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
