using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Broker.ZooKeeper.Tests;

/// <summary>Where a server runs.</summary>
/// <param name="Address">Where it listens.</param>
/// <param name="NetworkSpace">A network namespace that has the address; null for that of the test.</param>
public sealed record ZooKeeperPlace(string Address, string? NetworkSpace);

/// <summary>A real server in a directory of its own, which can be killed, paused and started again.</summary>
public sealed partial class ZooKeeperServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ZooKeeperInstallation _installation;
    private readonly string _directory = Directory.CreateTempSubdirectory("zookeeper-").FullName;
    private readonly IReadOnlyList<string> _javaOptions;
    private readonly ZooKeeperPlace _place;
    private Process? _process;

    /// <param name="installation">Which release.</param>
    /// <param name="clientPort">Where it listens for clients.</param>
    /// <param name="settings">Further lines of its configuration.</param>
    /// <param name="javaOptions">For instance system properties.</param>
    /// <param name="id">Its number in an ensemble.</param>
    /// <param name="place">Where it runs and listens; null for this machine's own loopback.</param>
    public ZooKeeperServer(ZooKeeperInstallation installation, int clientPort, IReadOnlyList<string>? settings = null, IReadOnlyList<string>? javaOptions = null, int? id = null, ZooKeeperPlace? place = null)
    {
        _installation = installation;
        _javaOptions = javaOptions ?? [];
        _place = place ?? new ZooKeeperPlace("127.0.0.1", null);
        ClientPort = clientPort;
        if (id is not null)
        {
            File.WriteAllText(FilePath("myid"), $"{id}");
        }

        // A short tick, so that sessions can be short. Synced writes would only wear the disk: the kernel survives every fault that is made here.
        File.WriteAllLines(FilePath("zoo.cfg"),
        [
            $"dataDir={_directory}", $"clientPort={clientPort}", $"clientPortAddress={_place.Address}", "tickTime=250", "maxSessionTimeout=60000", "initLimit=60", "syncLimit=20",
            "admin.enableServer=false", "4lw.commands.whitelist=*", "maxClientCnxns=0", "forceSync=no", "preAllocSize=64", .. settings ?? [],
        ]);
    }

    public int ClientPort { get; }

    public string Address => $"{_place.Address}:{ClientPort}";

    public bool IsRunning => _process is { HasExited: false };

    public string FilePath(string name) => Path.Combine(_directory, name);

    public static async Task<ZooKeeperServer> StartAsync(ZooKeeperInstallation? installation = null, IReadOnlyList<string>? settings = null, IReadOnlyList<string>? javaOptions = null)
    {
        var server = new ZooKeeperServer(installation ?? ZooKeeperInstallation.Current!, FreePorts.Find(), settings, javaOptions);
        server.Launch();
        await server.WaitUntilServingAsync();
        return server;
    }

    public void Launch()
    {
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
        string log = FilePath("log.txt");
        string java = string.Join(' ', ["exec", .. _place.NetworkSpace is { } space ? (string[])["ip", "netns", "exec", space] : [], "java", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dzookeeper.admin.enableServer=false", "-Dzookeeper.4lw.commands.whitelist=\\*", "-Dzookeeper.forceSync=no", .. _javaOptions,
            "-cp", $"'{_installation.ClassPath}'", "org.apache.zookeeper.server.quorum.QuorumPeerMain", FilePath("zoo.cfg"), $">>{log}", "2>&1"]);
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(java);
        _process = Process.Start(start)!;
    }

    /// <summary>Serving: alone, or with a majority beside it.</summary>
    public async Task WaitUntilServingAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        while (await ModeAsync(patience.Token) is null)
        {
            if (!IsRunning)
            {
                throw new InvalidOperationException($"ZooKeeper ended: {await File.ReadAllTextAsync(FilePath("log.txt"), patience.Token)}");
            }

            await Task.Delay(20, patience.Token);
        }
    }

    /// <summary>standalone, leader or follower; null while it does not serve.</summary>
    public async Task<string?> ModeAsync(CancellationToken stop = default)
    {
        string answer = await CommandAsync("srvr", stop);
        string? line = answer.Split('\n').FirstOrDefault(l => l.StartsWith("Mode:", StringComparison.Ordinal));
        return line?["Mode:".Length..].Trim();
    }

    public void Kill()
    {
        _process!.Kill();
        _process.WaitForExit();
    }

    /// <summary>SIGTERM, and waits for the end.</summary>
    public void Stop()
    {
        Signal(15);
        _process!.WaitForExit();
    }

    public void Pause() => Signal(19);

    public void Resume() => Signal(18);

    public async ValueTask DisposeAsync()
    {
        if (IsRunning)
        {
            _process!.Kill();
            await _process.WaitForExitAsync();
        }

        _process?.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task<string> CommandAsync(string word, CancellationToken stop)
    {
        // A server that has only just begun may take a question and never answer it.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
        limit.CancelAfter(TimeSpan.FromSeconds(1));
        try
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Parse(_place.Address), ClientPort, limit.Token);
            await socket.SendAsync(Encoding.ASCII.GetBytes(word), limit.Token);
            using var reader = new StreamReader(new NetworkStream(socket));
            return await reader.ReadToEndAsync(limit.Token);
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException && !stop.IsCancellationRequested)
        {
            return "";
        }
    }

    private void Signal(int signal) => Assert.Equal(0, Kill(_process!.Id, signal));

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
