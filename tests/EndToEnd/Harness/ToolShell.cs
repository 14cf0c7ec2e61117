using System.Diagnostics;

namespace Broker.EndToEnd;

/// <summary>
/// The command-line tools of Apache Kafka 3.9, one after the other in one JVM: its start is most of what a tool needs. Each is called as its script calls it, and what it prints to both streams
/// is one text.
/// </summary>
internal sealed class ToolShell : IAsyncDisposable
{
    private const string End = "--- ends with ";

    /// <summary>A line of arguments, separated by tabs, calls the main method of the class that is the first of them. Tools end the process when they fail: here that is an exception.</summary>
    private const string Source = """
        import java.io.*;
        import java.util.*;

        public class Tools {
            static class Ended extends Error {
                final int status;
                Ended(int status) { super("exit " + status, null, false, false); this.status = status; }
            }

            public static void main(String[] unused) throws Exception {
                org.apache.kafka.common.utils.Exit.setExitProcedure((status, message) -> { throw new Ended(status); });
                org.apache.kafka.common.utils.Exit.setHaltProcedure((status, message) -> { throw new Ended(status); });
                PrintStream out = System.out;
                BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
                for (String line; (line = lines.readLine()) != null; ) {
                    List<String> words = Arrays.asList(line.split("\t"));
                    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                    PrintStream printed = new PrintStream(bytes, true, "UTF-8");
                    System.setOut(printed);
                    System.setErr(printed);
                    int status = 0;
                    try {
                        String[] arguments = words.subList(1, words.size()).toArray(new String[0]);
                        scala.Console$.MODULE$.withOut(printed, () -> {
                            try {
                                Class.forName(words.get(0)).getMethod("main", String[].class).invoke(null, (Object) arguments);
                            } catch (ReflectiveOperationException e) {
                                Throwable cause = e.getCause() == null ? e : e.getCause();
                                if (cause instanceof Ended) throw (Ended) cause;
                                cause.printStackTrace(printed);
                                throw new Ended(1);
                            }
                            return null;
                        });
                    } catch (Ended e) {
                        status = e.status;
                    }
                    printed.flush();
                    out.println(bytes.toString("UTF-8"));
                    out.println("--- ends with " + status);
                    out.flush();
                }
            }
        }
        """;

    private static readonly Dictionary<string, string> Classes = new(StringComparer.Ordinal)
    {
        ["topics"] = "org.apache.kafka.tools.TopicCommand",
        ["configs"] = "kafka.admin.ConfigCommand",
        ["reassign-partitions"] = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
        ["leader-election"] = "org.apache.kafka.tools.LeaderElectionCommand",
        ["consumer-groups"] = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    };

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Process _process;
    private readonly string _bootstrap;

    private ToolShell(Process process, string bootstrap) => (_process, _bootstrap) = (process, bootstrap);

    public static Task<JavaProgram> CompileAsync() => JavaProgram.CompileAsync("Tools", Source, "3.9");

    public static ToolShell Start(JavaProgram program, string bootstrap)
    {
        Process process = program.Start("3.9");
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        return new ToolShell(process, bootstrap);
    }

    /// <summary>What <c>kafka-NAME.sh</c> prints with the bootstrap server in front of the arguments, line by line, and its exit code.</summary>
    public async Task<(int ExitCode, string[] Lines)> RunAsync(string name, string arguments)
    {
        string[] words = [Classes[name], "--bootstrap-server", _bootstrap, .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)];
        await _process.StandardInput.WriteLineAsync(string.Join('\t', words));
        await _process.StandardInput.FlushAsync();
        var lines = new List<string>();
        using var patience = new CancellationTokenSource(Patience);
        while (await _process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
        {
            if (line.StartsWith(End, StringComparison.Ordinal))
            {
                return (int.Parse(line[End.Length..], System.Globalization.CultureInfo.InvariantCulture), [.. lines]);
            }

            if (line.Trim().Length > 0)
            {
                lines.Add(line.Trim());
            }
        }

        throw new InvalidOperationException($"the JVM of the tools ended in {name} {arguments}");
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
