using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Broker.ZooKeeper.Tests;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>What docker-compose.yml promises: the file is accepted, and the image's entry point serves a client with the environment that stands in it.</summary>
public sealed partial class ComposeTests(ITestOutputHelper output)
{
    private static string File { get; } = Path.Combine(Repository.Root, "docker-compose.yml");

    [Fact]
    public async Task Docker_accepts_the_compose_file()
    {
        string[]? compose = await FindComposeAsync();
        if (compose is null)
        {
            output.WriteLine("skipped: there is no docker compose here");
            return;
        }

        (await Command.RunAsync(compose[0], [.. compose[1..], "-f", File, "config", "-q"])).Succeeded();
    }

    [Fact]
    public async Task The_entry_point_with_the_environment_of_the_compose_file_serves_and_stops()
    {
        string home = Directory.CreateTempSubdirectory("broker-compose-").FullName;
        int[] ports = FreePorts.Find(2);
        Dictionary<string, string> environment = ReadEnvironment(await System.IO.File.ReadAllLinesAsync(File));
        foreach (string name in (string[])["KAFKA_LISTENERS", "KAFKA_ADVERTISED_LISTENERS"])
        {
            environment[name] = environment[name].Replace(":29092", $":{ports[0]}", StringComparison.Ordinal).Replace(":9092", $":{ports[1]}", StringComparison.Ordinal);
        }

        environment["KAFKA_LOG_DIRS"] = Path.Combine(home, "data");
        environment["BROKER_HOME"] = Path.GetDirectoryName(Repository.BrokerExecutable)!;
        var log = new StringBuilder();
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void OnLine(object sender, DataReceivedEventArgs line)
        {
            lock (log)
            {
                log.AppendLine(line.Data);
            }

            if (line.Data?.Contains("[KafkaServer id=1] started", StringComparison.Ordinal) == true)
            {
                ready.TrySetResult();
            }
        }

        using Process process = Command.Start("/bin/sh", [Path.Combine(Repository.Root, "docker", "entrypoint.sh")], environment);
        try
        {
            process.OutputDataReceived += OnLine;
            process.ErrorDataReceived += OnLine;
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            Task exited = process.WaitForExitAsync();
            Assert.True(await Task.WhenAny(ready.Task, exited).WaitAsync(TimeSpan.FromSeconds(60)) == ready.Task, log.ToString());

            var client = new ConfluentDotnet();
            string bootstrap = $"localhost:{ports[1]}";
            string[] lines = [.. Enumerable.Range(0, 500).Select(i => $"record {i}")];
            await client.CreateTopicAsync(bootstrap, "composed", 3);
            await client.ProduceAsync(bootstrap, "composed", "none", lines);
            IReadOnlyList<string> read = await client.ConsumeAsync(bootstrap, "composed", "readers", lines.Length);
            Assert.Equal(lines.Order(StringComparer.Ordinal), read.Order(StringComparer.Ordinal));

            // The shell has become the broker, so the signal that Docker sends reaches it.
            Assert.Equal(0, Kill(process.Id, 15));
            await exited.WaitAsync(TimeSpan.FromSeconds(60));
            Assert.True(process.ExitCode == 0, $"ended with {process.ExitCode}\n{log}");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
                await process.WaitForExitAsync();
            }

            Directory.Delete(home, recursive: true);
        }
    }

    /// <summary>The lines of the first <c>environment:</c> map, or of a service's: as long as they are indented deeper than it.</summary>
    internal static Dictionary<string, string> ReadEnvironment(string[] lines, string? service = null)
    {
        int first = service is null ? 0 : Array.FindIndex(lines, line => line.Trim() == $"{service}:");
        int start = Array.FindIndex(lines, Math.Max(first, 0), line => line.Trim() == "environment:");
        Assert.True(first >= 0 && start >= 0, $"the compose file has no environment {service}");
        int depth = Indent(lines[start]);
        Dictionary<string, string> environment = lines.Skip(start + 1).TakeWhile(line => Indent(line) > depth)
            .Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0].Trim(), pair => pair[1].Trim().Trim('"'));
        Assert.NotEmpty(environment);
        return environment;
    }

    private static int Indent(string line) => line.Length - line.TrimStart().Length;

    /// <summary>Docker's plug-in, or the program of its own that distributions package.</summary>
    internal static async Task<string[]?> FindComposeAsync()
    {
        foreach (string[] compose in (string[][])[["docker", "compose"], ["docker-compose"]])
        {
            try
            {
                if ((await Command.RunAsync(compose[0], [.. compose[1..], "version"])).ExitCode == 0)
                {
                    return compose;
                }
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // Not installed: the next one may be.
            }
        }

        return null;
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
