using System.Globalization;
using System.Text.RegularExpressions;

namespace Broker.EndToEnd;

/// <summary>
/// A bridge with a network namespace at the end of each of its cables, and one cable to the test itself. The bridge is in a namespace of its own, whose packet filter drops
/// frames: whoever is cut off notices nothing but silence, as with a real cable. Disposal removes it all; the processes in it have ended before.
/// </summary>
internal sealed partial class TestNetwork : IAsyncDisposable
{
    private static int _made;

    private readonly string _name;
    private readonly string _subnet;

    private TestNetwork(string name, string subnet, int spaces)
    {
        (_name, _subnet) = (name, subnet);
        Spaces = [.. Enumerable.Range(1, spaces).Select(i => new NetworkSpace($"{name}-{i}", $"port{i}", $"{subnet}.{i}"))];
    }

    public NetworkSpace[] Spaces { get; }

    /// <summary>Null when this machine lets the test make networks.</summary>
    public static string? WhatIsMissing { get; } = Probe();

    private string Hub => $"{_name}-hub";

    public static async Task<TestNetwork> CreateAsync(int spaces)
    {
        int number = Interlocked.Increment(ref _made);
        var network = new TestNetwork(
            string.Create(CultureInfo.InvariantCulture, $"bk{Environment.ProcessId % 100000}x{number}"), string.Create(CultureInfo.InvariantCulture, $"10.{77 + (number % 50)}.{Environment.ProcessId % 250}"), spaces);
        await network.BuildAsync();
        return network;
    }

    /// <summary>Nothing comes in or goes out.</summary>
    public Task IsolateAsync(NetworkSpace space) => DropAsync($"iifname {space.Port}", $"oifname {space.Port}");

    /// <summary>It hears everybody, and nobody hears it.</summary>
    public Task SilenceAsync(NetworkSpace space) => DropAsync($"iifname {space.Port}");

    /// <summary>Everybody hears it, and it hears nobody.</summary>
    public Task DeafenAsync(NetworkSpace space) => DropAsync($"oifname {space.Port}");

    /// <summary>It and the others do not reach each other; everybody else reaches all of them.</summary>
    public Task PartAsync(NetworkSpace space, params IEnumerable<NetworkSpace> others) =>
        DropAsync([.. others.SelectMany(o => (string[])[$"iifname {space.Port} oifname {o.Port}", $"iifname {o.Port} oifname {space.Port}"])]);

    /// <summary>Of what it sends, or else of what is sent to it, this share is lost, frame by frame, by chance.</summary>
    public Task LoseAsync(NetworkSpace space, int percent, bool sent) => DropAsync($"{(sent ? "iifname" : "oifname")} {space.Port} numgen random mod 100 < {percent}");

    /// <summary>As it was at first. Returns how many frames were dropped.</summary>
    public async Task<long> HealAsync()
    {
        string counted = await FilterAsync("list chain bridge cut forward");
        await FilterAsync("flush chain bridge cut forward");
        return Packets().Matches(counted).Sum(m => long.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (string name in (string[])[.. Spaces.Select(s => s.Name), Hub])
        {
            await IpAsync($"netns del {name}");
        }

        // The end that the test was at goes with the hub, a little later.
        await Eventually.TrueAsync(() => !Directory.Exists($"/sys/class/net/{_name}"), $"{_name} is gone");
    }

    private async Task BuildAsync()
    {
        await IpAsync($"netns add {Hub}");
        await IpAsync($"-n {Hub} link add name hub type bridge");
        await IpAsync($"-n {Hub} link set dev hub up");
        await IpAsync($"link add {_name} type veth peer name outside netns {Hub}");
        await IpAsync($"-n {Hub} link set dev outside master hub up");
        await IpAsync($"addr add {_subnet}.254/24 dev {_name}");
        await IpAsync($"link set dev {_name} up");
        foreach (NetworkSpace space in Spaces)
        {
            await IpAsync($"netns add {space.Name}");
            await IpAsync($"-n {Hub} link add name {space.Port} type veth peer name inside netns {space.Name}");
            await IpAsync($"-n {Hub} link set dev {space.Port} master hub up");
            await IpAsync($"-n {space.Name} addr add {space.Address}/24 dev inside");

            // Frames as they are on a cable: a lost one is 1.5 kB, not a bundle of 64 kB.
            await IpAsync($"-n {space.Name} link set dev inside gso_max_segs 1 up");
            await IpAsync($"-n {space.Name} link set dev lo up");
        }

        await FilterAsync("add table bridge cut; add chain bridge cut forward { type filter hook forward priority 0; policy accept; }");
    }

    private Task DropAsync(params string[] what) =>
        FilterAsync(string.Join("; ", what.Select(w => $"add rule bridge cut forward {w} counter drop")));

    private async Task<string> FilterAsync(string command) => (await Command.RunAsync("ip", ["netns", "exec", Hub, "nft", command])).Succeeded().Output;

    private static async Task IpAsync(string arguments) => (await Command.RunAsync("ip", arguments.Split(' '))).Succeeded();

    private static string? Probe()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root" || !IsThere("ip") || !IsThere("nft"))
        {
            return "Needs to be root, and the programs ip and nft (Debian's packages iproute2 and nftables)";
        }

        string name = string.Create(CultureInfo.InvariantCulture, $"bkprobe{Environment.ProcessId}");
        bool isPossible = Try("netns", "add", name) && Try("-n", name, "link", "add", "name", "hub", "type", "bridge")
            && Try("netns", "exec", name, "nft", "add table bridge cut; add chain bridge cut forward { type filter hook forward priority 0; }; add rule bridge cut forward numgen random mod 100 < 10 counter drop");
        Try("netns", "del", name);
        return isPossible ? null : "Needs the right to make network namespaces, and a kernel with nf_tables for bridges";
    }

    private static bool IsThere(string program) => ((string[])["/usr/sbin", "/sbin", "/usr/bin", "/bin"]).Any(folder => File.Exists(Path.Combine(folder, program)));

    private static bool Try(params string[] arguments)
    {
        using System.Diagnostics.Process process = Command.Start("ip", arguments);
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    [GeneratedRegex(@"packets (\d+)")]
    private static partial Regex Packets();
}
