using System.Diagnostics;

namespace Broker.EndToEnd;

/// <summary>A process of its own that moves amounts in transactions, to be killed and started again. Its script says what it does.</summary>
internal sealed class Mover(string bootstrap, int partition, int timeoutMs) : IDisposable
{
    private static readonly string Script = Path.Combine(Repository.Clients, "python", "mover.py");

    private readonly List<string> _complaints = [];
    private Process? _process;

    /// <summary>What it said before it gave up, over all its lives.</summary>
    public IReadOnlyList<string> Complaints
    {
        get
        {
            lock (_complaints)
            {
                return [.. _complaints];
            }
        }
    }

    /// <summary>Starts it unless it runs. Exit code 3 is that of a producer that cannot go on; anything else but a kill is a mistake in the script.</summary>
    public void Ensure(int seed)
    {
        if (_process is { HasExited: false })
        {
            return;
        }

        Assert.True(_process is null || _process.ExitCode is 3 or 137, $"a mover ended with {_process?.ExitCode}: {string.Join('\n', Complaints)}");
        _process?.Dispose();
        _process = Command.Start("/usr/bin/python3", [Script, bootstrap, $"{partition}", $"{timeoutMs}", $"{seed}"]);
        _process.OutputDataReceived += (_, _) => { };
        _process.ErrorDataReceived += (_, line) => Complain(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public async Task KillAsync()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }
    }

    public void Dispose()
    {
        if (_process is { HasExited: false })
        {
            _process.Kill();
        }

        _process?.Dispose();
    }

    private void Complain(string? line)
    {
        if (line is not null)
        {
            lock (_complaints)
            {
                _complaints.Add(line);
            }
        }
    }
}
