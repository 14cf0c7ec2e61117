using Broker.ZooKeeper.Tests;

namespace Broker.EndToEnd;

/// <summary>A real Apache Kafka broker, started and stopped by the script that comes with the releases.</summary>
internal sealed class OracleKafka : IServerUnderTest
{
    /// <summary>The log cleaner alone takes 128 MiB, more than the tools' heap leaves.</summary>
    private static readonly Dictionary<string, string> BrokerHeap = new() { ["KAFKA_HEAP_OPTS"] = "-Xmx512m" };

    private readonly string _home;

    private OracleKafka(string home, int port)
    {
        _home = home;
        Port = port;
    }

    public int Port { get; }

    public string Bootstrap => $"127.0.0.1:{Port}";

    /// <summary>The log directory of the one broker.</summary>
    public string DataDirectory => Path.Combine(_home, "data-0");

    /// <summary>SIGTERM to the broker, ZooKeeper goes on; returns when it has ended.</summary>
    public async Task StopBrokerAsync()
    {
        string pid = (await File.ReadAllTextAsync(Path.Combine(_home, "broker-0.pid"))).Trim();
        (await Command.RunAsync("bash", ["-c", $"kill {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.1; done"])).Succeeded();
    }

    public async Task KillAsync() => (await Command.RunAsync("bash", [Script, "kill", _home, "0"])).Succeeded();

    public Task RestartAsync() => RestartBrokerAsync();

    public async Task RestartBrokerAsync() =>
        (await Command.RunAsync("bash", [Script, "restart", _home, "0"], timeout: TimeSpan.FromMinutes(5), environment: BrokerHeap)).Succeeded();

    /// <summary>Waits until a file of the log directory reads as wanted.</summary>
    public Task WaitForFileAsync(string name, Func<string, bool> isAsWanted) => Eventually.TrueAsync(
        () => Path.Combine(DataDirectory, name) is var path && File.Exists(path) && isAsWanted(File.ReadAllText(path)), $"{name} of Apache Kafka is as expected");

    public static Task<OracleKafka> StartAsync(string version, params string[] settings) => StartClusterAsync(version, 1, settings);

    /// <summary>Several brokers, numbered from 0, on ports one after the other.</summary>
    public static async Task<OracleKafka> StartClusterAsync(string version, int brokers, params string[] settings)
    {
        string home = Directory.CreateTempSubdirectory("oracle-kafka-").FullName;
        // The script puts ZooKeeper a thousand ports below the first broker and the controller of a cluster without it a thousand above.
        int port = FreePorts.FindAround([-1_000, 1_000, .. Enumerable.Range(0, brokers)]);
        var kafka = new OracleKafka(home, port);
        try
        {
            (await Command.RunAsync("bash", [Script, "start", home, "--version", version, "--brokers", $"{brokers}", "--port", $"{port}", .. settings.SelectMany(s => (string[])["--set", s])], timeout: TimeSpan.FromMinutes(5), environment: BrokerHeap)).Succeeded();
        }
        catch
        {
            await kafka.DisposeAsync();
            throw;
        }

        return kafka;
    }

    public async ValueTask DisposeAsync()
    {
        await Command.RunAsync("bash", [Script, "stop", _home]);
        Directory.Delete(_home, recursive: true);
    }

    private static string Script => Path.Combine(Repository.KafkaReleases!, "oracle.sh");
}
