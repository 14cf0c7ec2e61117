using System.Diagnostics;
using System.Text;
using Broker.ZooKeeper.Tests;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>What docker/compose/three-brokers.yml promises: the file is accepted, and its environments, outside of containers, form a cluster.</summary>
public sealed class ComposeClusterTests(ITestOutputHelper output)
{
    private static string File { get; } = Path.Combine(Repository.Root, "docker", "compose", "three-brokers.yml");

    [Fact]
    public async Task Docker_accepts_the_compose_file()
    {
        string[]? compose = await ComposeTests.FindComposeAsync();
        if (compose is null)
        {
            output.WriteLine("skipped: there is no docker compose here");
            return;
        }

        (await Command.RunAsync(compose[0], [.. compose[1..], "-f", File, "config", "-q"])).Succeeded();
    }

    [ZooKeeperFact]
    public async Task The_environments_of_the_compose_file_form_a_cluster()
    {
        await using ZooKeeperServer server = await ZooKeeperServer.StartAsync();
        string home = Directory.CreateTempSubdirectory("broker-compose-").FullName;
        string[] lines = await System.IO.File.ReadAllLinesAsync(File);
        int[] ports = FreePorts.Find(6);
        var brokers = new List<Process>();
        var log = new StringBuilder();
        try
        {
            for (int i = 0; i < 3; i++)
            {
                Dictionary<string, string> environment = ComposeTests.ReadEnvironment(lines, $"broker{i + 1}");
                foreach (string name in (string[])["KAFKA_LISTENERS", "KAFKA_ADVERTISED_LISTENERS"])
                {
                    environment[name] = environment[name].Replace($":{i + 1}9092", $":{ports[i + 3]}", StringComparison.Ordinal)
                        .Replace(":9092", $":{ports[i]}", StringComparison.Ordinal).Replace($"broker{i + 1}", "127.0.0.1", StringComparison.Ordinal);
                }

                environment["KAFKA_ZOOKEEPER_CONNECT"] = server.Address;
                environment["KAFKA_LOG_DIRS"] = Path.Combine(home, $"data{i + 1}");
                environment["BROKER_HOME"] = Path.GetDirectoryName(Repository.BrokerExecutable)!;
                brokers.Add(Start(environment, log));
            }

            string bootstrap = string.Join(',', ports[3..].Select(port => $"localhost:{port}"));
            using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).SetLogHandler((_, _) => { }).Build();
            await Eventually.TrueAsync(() => Brokers(admin) == 3, $"three brokers are there\n{log}");
            await admin.CreateTopicsAsync([new TopicSpecification { Name = "composed", NumPartitions = 3 }]);
            string[] records = [.. Enumerable.Range(0, 300).Select(i => $"record {i}")];
            await new ConfluentDotnet().ProduceAsync(bootstrap, "composed", "none", records);
            Assert.Equal(records.Order(StringComparer.Ordinal), (await new ConfluentDotnet().ConsumeAsync(bootstrap, "composed", "readers", records.Length)).Order(StringComparer.Ordinal));
            Assert.All(admin.GetMetadata("composed", TimeSpan.FromSeconds(10)).Topics[0].Partitions, p => Assert.Equal(3, p.InSyncReplicas.Length));
        }
        finally
        {
            foreach (Process broker in brokers)
            {
                broker.Kill(entireProcessTree: true);
                await broker.WaitForExitAsync();
                broker.Dispose();
            }

            Directory.Delete(home, recursive: true);
        }
    }

    private static Process Start(Dictionary<string, string> environment, StringBuilder log)
    {
        Process process = Command.Start("/bin/sh", [Path.Combine(Repository.Root, "docker", "entrypoint.sh")], environment);
        void OnLine(object sender, DataReceivedEventArgs line)
        {
            lock (log)
            {
                log.AppendLine(line.Data);
            }
        }

        process.OutputDataReceived += OnLine;
        process.ErrorDataReceived += OnLine;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static int Brokers(IAdminClient admin)
    {
        try
        {
            return admin.GetMetadata(TimeSpan.FromSeconds(2)).Brokers.Count;
        }
        catch (KafkaException)
        {
            return 0;
        }
    }
}
