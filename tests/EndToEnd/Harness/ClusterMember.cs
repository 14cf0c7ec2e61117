using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace Broker.EndToEnd;

/// <summary>
/// A broker of a cluster on ZooKeeper: this one or Apache Kafka 3.9, one after the other on the same port, directory and properties file. Disposal kills it and removes
/// the directory.
/// </summary>
internal sealed partial class ClusterMember : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly string _home = Directory.CreateTempSubdirectory("broker-e2e-member-").FullName;
    private readonly StringBuilder _log = new();
    private readonly Lock _logLock = new();
    private readonly NetworkSpace? _network;
    private Process? _process;
    private bool _isReady;

    public ClusterMember(int id, int port, string zookeeper, IEnumerable<string> settings, NetworkSpace? network = null)
    {
        Id = id;
        Port = port;
        _network = network;
        DataDirectory = Path.Combine(_home, "data");
        File.WriteAllLines(PropertiesFile,
        [
            $"broker.id={id}", $"listeners=PLAINTEXT://{Bootstrap}", $"advertised.listeners=PLAINTEXT://{Bootstrap}", $"zookeeper.connect={zookeeper}", $"log.dirs={DataDirectory}",

            // The cleaner's default buffer of 128 MiB does not fit into the small heaps of several JVMs.
            "log.cleaner.dedupe.buffer.size=4194304", .. settings,
        ]);
    }

    public int Id { get; }

    public int Port { get; }

    public string Address => _network?.Address ?? "127.0.0.1";

    public string Bootstrap => $"{Address}:{Port}";

    public string DataDirectory { get; }

    public BrokerKind Kind { get; private set; }

    public bool IsRunning => _process is { HasExited: false };

    /// <summary>Of all its runs.</summary>
    public string Log
    {
        get
        {
            lock (_logLock)
            {
                return $"broker {Id}\n{_log}";
            }
        }
    }

    private string PropertiesFile => Path.Combine(_home, "server.properties");

    /// <summary>Returns when it takes connections. Apache Kafka ends at once while ZooKeeper still holds the session of a killed run; it is started again until it stays.</summary>
    public async Task StartAsync(BrokerKind kind)
    {
        Kind = kind;
        DateTime end = DateTime.UtcNow + Patience;
        while (!await TryStartAsync(end))
        {
            Assert.True(kind == BrokerKind.Kafka && Log.Contains("node already exists and owner", StringComparison.Ordinal), $"{kind} did not start\n{Log}");
            Assert.True(DateTime.UtcNow < end, $"{kind} did not start in {Patience.TotalSeconds} s\n{Log}");
            await Task.Delay(500);
        }
    }

    /// <summary>SIGTERM, and waits for the end.</summary>
    public async Task StopAsync()
    {
        Assert.Equal(0, Kill(_process!.Id, 15));
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(90));
    }

    /// <summary>SIGKILL: nothing is flushed or said.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGSTOP: it does nothing, and the system goes on taking connections for it.</summary>
    public void Pause() => Assert.Equal(0, Kill(_process!.Id, 19));

    public void Resume() => Assert.Equal(0, Kill(_process!.Id, 18));

    public async ValueTask DisposeAsync()
    {
        if (IsRunning)
        {
            await KillAsync();
        }

        _process?.Dispose();
        Directory.Delete(_home, recursive: true);
    }

    private async Task<bool> TryStartAsync(DateTime end)
    {
        _isReady = false;
        _process?.Dispose();
        _process = Kind == BrokerKind.Ours
            // `ip` makes way for the broker, whose process it stays.
            ? _network is null ? Command.Start(Repository.BrokerExecutable, [PropertiesFile]) : Command.Start("ip", ["netns", "exec", _network.Name, Repository.BrokerExecutable, PropertiesFile])
            : Command.Start(Path.Combine(Repository.KafkaReleases!, "3.9", "bin", "kafka-server-start.sh"), [PropertiesFile], new Dictionary<string, string>
            {
                ["KAFKA_HEAP_OPTS"] = "-Xmx256m",
                ["KAFKA_OPTS"] = "-Dkafka.log.level=INFO",
                ["LOG_DIR"] = _home,
            });
        _process.OutputDataReceived += (_, line) => OnLine(line.Data);
        _process.ErrorDataReceived += (_, line) => OnLine(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        while (IsRunning && DateTime.UtcNow < end)
        {
            if (Volatile.Read(ref _isReady) && await AcceptsAsync())
            {
                return true;
            }

            await Task.Delay(20);
        }

        return false;
    }

    private async Task<bool> AcceptsAsync()
    {
        try
        {
            using var probe = new TcpClient();
            await probe.ConnectAsync(IPAddress.Parse(Address), Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void OnLine(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_logLock)
        {
            _log.AppendLine(line);
        }

        if (line.Contains($"[KafkaServer id={Id}] started", StringComparison.Ordinal))
        {
            Volatile.Write(ref _isReady, true);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
