using System.Diagnostics;

namespace Broker.EndToEnd;

/// <summary>Kafka Connect standalone with the file source and sink: lines go end to end, and on after a restart of the worker.</summary>
public sealed class ConnectTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private BrokerProcess _broker = null!;

    public async Task InitializeAsync() => _broker = await BrokerProcess.StartAsync();

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [KafkaFact]
    public async Task Lines_travel_from_file_to_file_and_resume_after_a_restart()
    {
        string home = Path.Combine(_broker.Home, "connect");
        Directory.CreateDirectory(home);
        string source = Path.Combine(home, "in.txt"), sink = Path.Combine(home, "out.txt");
        string[] files = WriteConfigs(home, source, sink);
        await File.WriteAllLinesAsync(source, Enumerable.Range(0, 200).Select(i => $"line {i}"));

        using (Process worker = Start(files))
        {
            await UntilAsync(sink, 200, worker);
            await StopAsync(worker);
        }

        await File.AppendAllLinesAsync(source, Enumerable.Range(200, 100).Select(i => $"line {i}"));
        using (Process worker = Start(files))
        {
            await UntilAsync(sink, 300, worker);
            await StopAsync(worker);
        }

        Assert.Equal(Enumerable.Range(0, 300).Select(i => $"line {i}"), await File.ReadAllLinesAsync(sink));
    }

    private string[] WriteConfigs(string home, string source, string sink)
    {
        string worker = Path.Combine(home, "worker.properties"), reader = Path.Combine(home, "source.properties"), writer = Path.Combine(home, "sink.properties");
        const string text = "org.apache.kafka.connect.storage.StringConverter";
        File.WriteAllText(worker, $"bootstrap.servers={_broker.Bootstrap}\nkey.converter={text}\nvalue.converter={text}\noffset.storage.file.filename={home}/offsets\noffset.flush.interval.ms=1000\nlisteners=http://127.0.0.1:0\nplugin.path={Repository.KafkaReleases}/3.9/libs\nplugin.discovery=only_scan\n");
        File.WriteAllText(reader, $"name=reader\nconnector.class=FileStreamSource\ntasks.max=1\nfile={source}\ntopic=connect-lines\n");
        File.WriteAllText(writer, $"name=writer\nconnector.class=FileStreamSink\ntasks.max=1\nfile={sink}\ntopics=connect-lines\n");
        return [worker, reader, writer];
    }

    private static Process Start(string[] files)
    {
        Process worker = Command.Start(Path.Combine(Repository.KafkaReleases!, "3.9", "bin", "connect-standalone.sh"), files);
        worker.OutputDataReceived += (_, _) => { };
        worker.ErrorDataReceived += (_, _) => { };
        worker.BeginOutputReadLine();
        worker.BeginErrorReadLine();
        return worker;
    }

    private static async Task UntilAsync(string file, int lines, Process worker)
    {
        for (var started = DateTime.UtcNow; DateTime.UtcNow - started < Patience; await Task.Delay(100))
        {
            if (File.Exists(file) && File.ReadLines(file).Count() >= lines)
            {
                return;
            }

            Assert.False(worker.HasExited, "the Connect worker ended by itself");
        }

        Assert.Fail($"{file} has {(File.Exists(file) ? File.ReadLines(file).Count() : 0)} of {lines} lines");
    }

    private static async Task StopAsync(Process worker)
    {
        using Process kill = Command.Start("kill", ["-TERM", $"{worker.Id}"]);
        await worker.WaitForExitAsync().WaitAsync(Patience);
    }
}
