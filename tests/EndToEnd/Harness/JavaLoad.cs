using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Threading.Channels;

namespace Broker.EndToEnd;

/// <summary>Producer and consumer of kafka-clients 3.9 in a JVM of their own (clients/java/SteadyClient.java), on a topic of their own, that report every error that reaches an application.</summary>
internal sealed class JavaLoad : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly JavaProgram _program;
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly StringBuilder _standardError = new();
    private readonly Channel<string> _answers = Channel.CreateUnbounded<string>();

    private JavaLoad(JavaProgram program, Process process)
    {
        _program = program;
        _process = process;
        process.OutputDataReceived += (_, line) => OnLine(line.Data);
        process.ErrorDataReceived += (_, line) => _standardError.AppendLine(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public static async Task<JavaLoad> StartAsync(string bootstrap, string topic, int partitions)
    {
        string source = await File.ReadAllTextAsync(Path.Combine(Repository.Clients, "java", "SteadyClient.java"));
        JavaProgram program = await JavaProgram.CompileAsync("SteadyClient", source, against: "3.9");
        return new JavaLoad(program, program.Start("3.9", bootstrap, topic, partitions.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>Records are taken; then the longest time between two acknowledged records of one partition since the last call.</summary>
    public async Task<TimeSpan> TakeLongestPauseAsync(string when, Func<string> logs)
    {
        TimeSpan longest = TimeSpan.Zero;
        (long first, _) = await AskAsync(when, logs);
        for (DateTime end = DateTime.UtcNow + Patience; ; await Task.Delay(50))
        {
            (long now, TimeSpan pause) = await AskAsync(when, logs);
            longest = longest > pause ? longest : pause;
            if (now >= first + 100)
            {
                return longest;
            }

            Assert.True(DateTime.UtcNow < end, $"the Java producer writes nothing {when}\n{logs()}");
        }
    }

    /// <summary>Ends it; everything acknowledged was read.</summary>
    public async Task StopAsync(Func<string> logs)
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync().WaitAsync(Patience);
        Check("at the end", logs);
        Assert.Equal(0, _process.ExitCode);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        _program.Dispose();
    }

    private async Task<(long Acknowledged, TimeSpan Longest)> AskAsync(string when, Func<string> logs)
    {
        Check(when, logs);
        await _process.StandardInput.WriteLineAsync("how far");
        await _process.StandardInput.FlushAsync();
        using var limit = new CancellationTokenSource(Patience);
        string[] answer = (await _answers.Reader.ReadAsync(limit.Token)).Split(' ');
        Check(when, logs);
        return (long.Parse(answer[0], CultureInfo.InvariantCulture), TimeSpan.FromMilliseconds(long.Parse(answer[1], CultureInfo.InvariantCulture)));
    }

    private void Check(string when, Func<string> logs) => Assert.True(_errors.IsEmpty, $"{string.Join("\n", _errors)} {when}\n{_standardError}\n{logs()}");

    private void OnLine(string? line)
    {
        if (line is null)
        {
            _answers.Writer.TryComplete();
        }
        else if (line.StartsWith("error", StringComparison.Ordinal))
        {
            _errors.Enqueue(line);
        }
        else
        {
            _answers.Writer.TryWrite(line);
        }
    }
}
