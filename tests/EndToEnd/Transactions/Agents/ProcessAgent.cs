using System.Collections.Concurrent;
using System.Diagnostics;

namespace Broker.EndToEnd;

/// <summary>An agent in a process of its own: a command is a line with blanks between the words, and so is its answer.</summary>
internal sealed class ProcessAgent : TransactionalAgent
{
    /// <summary>Longer than any client retries.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(150);

    private readonly string _name;
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _complaints = new();

    public ProcessAgent(string name, Process process)
    {
        _name = name;
        _process = process;
        _process.ErrorDataReceived += (_, line) => _complaints.Enqueue(line.Data ?? "");
        _process.BeginErrorReadLine();
    }

    public override string ToString() => _name;

    public override async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    protected override async Task<string> AskAsync(params string[] words)
    {
        await _process.StandardInput.WriteLineAsync(string.Join(' ', words));
        await _process.StandardInput.FlushAsync();
        return await _process.StandardOutput.ReadLineAsync().WaitAsync(Patience)
            ?? throw new InvalidOperationException($"{_name} ended at '{string.Join(' ', words)}'\n{string.Join('\n', _complaints)}");
    }
}
