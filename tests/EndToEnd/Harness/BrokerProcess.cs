using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;
using Broker.ZooKeeper.Tests;

namespace Broker.EndToEnd;

/// <summary>
/// The published broker as a process of its own, on a free port and a directory of its own. Can be stopped, killed and started again on the same port.
/// Disposal stops it and removes the directory.
/// </summary>
internal sealed partial class BrokerProcess : IServerUnderTest
{
    private static readonly TimeSpan ReadyTimeout = TimeSpan.FromSeconds(60);

    private readonly List<string> _overrides;
    private readonly IReadOnlyDictionary<string, string>? _environment;
    private readonly StringBuilder _log = new();
    private readonly Lock _logLock = new();
    private TaskCompletionSource<int> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Process _process = null!;

    private BrokerProcess(IEnumerable<string> overrides, string? dataDirectory = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        _environment = environment;
        Home = Directory.CreateTempSubdirectory("broker-e2e-").FullName;
        DataDirectory = dataDirectory ?? Path.Combine(Home, "data");
        _overrides = [.. overrides];
    }

    public string Home { get; }

    public string DataDirectory { get; }

    public int Port { get; private set; } = FreePorts.Find();

    public string Bootstrap => $"127.0.0.1:{Port}";

    public int ProcessId => _process.Id;

    public string Log
    {
        get
        {
            lock (_logLock)
            {
                return _log.ToString();
            }
        }
    }

    public static Task<BrokerProcess> StartAsync(params string[] overrides) => StartAsync(new BrokerProcess(overrides));

    /// <summary>Starts with further environment variables.</summary>
    public static Task<BrokerProcess> StartInAsync(IReadOnlyDictionary<string, string>? environment, params string[] overrides) => StartAsync(new BrokerProcess(overrides, environment: environment));

    /// <summary>Starts on a directory that is there already and stays when the broker is disposed.</summary>
    public static Task<BrokerProcess> StartOnAsync(string dataDirectory, params string[] overrides) => StartAsync(new BrokerProcess(overrides, dataDirectory));

    /// <summary>SIGTERM, and waits for a clean end.</summary>
    public async Task StopAsync()
    {
        Assert.Equal(0, Kill(_process.Id, 15));
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(_process.ExitCode == 0, $"the broker ended with {_process.ExitCode}\n{Log}");
    }

    /// <summary>SIGKILL: nothing is flushed or said.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGSTOP: it does nothing, and the system goes on taking connections for it.</summary>
    public void Pause() => Assert.Equal(0, Kill(_process.Id, 19));

    public void Resume() => Assert.Equal(0, Kill(_process.Id, 18));

    /// <summary>Starts it again on the same port and directory.</summary>
    public Task RestartAsync() => LaunchAsync();

    /// <summary>The same with other settings instead of those before.</summary>
    public Task RestartAsync(IEnumerable<string> overrides)
    {
        _overrides.Clear();
        _overrides.AddRange(overrides);
        return LaunchAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
        Directory.Delete(Home, recursive: true);
    }

    private static async Task<BrokerProcess> StartAsync(BrokerProcess broker)
    {
        await broker.LaunchAsync();
        return broker;
    }

    private async Task LaunchAsync()
    {
        _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var arguments = new List<string>();
        foreach (string setting in (string[])[$"listeners=PLAINTEXT://127.0.0.1:{Port}", $"log.dirs={DataDirectory}", "broker.id=0", .. _overrides])
        {
            arguments.Add("--override");
            arguments.Add(setting);
        }

        _process = Command.Start(Repository.BrokerExecutable, arguments, _environment);
        _process.OutputDataReceived += (_, line) => OnLine(line.Data);
        _process.ErrorDataReceived += (_, line) => OnLine(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Task exited = _process.WaitForExitAsync();
        if (await Task.WhenAny(_ready.Task, exited).WaitAsync(ReadyTimeout) == exited)
        {
            Assert.Fail($"the broker ended with {_process.ExitCode} instead of becoming ready\n{Log}");
        }

        Port = await _ready.Task;
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

        if (ListenerLine().Match(line) is { Success: true } match)
        {
            Port = int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        }

        if (line.Contains("[KafkaServer id=", StringComparison.Ordinal) && line.Contains("started", StringComparison.Ordinal))
        {
            _ready.TrySetResult(Port);
        }
    }

    [GeneratedRegex(@"listener +PLAINTEXT: listens on .* port (\d+)")]
    private static partial Regex ListenerLine();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
