using Broker.Configuration;
using Broker.Host.Startup;

namespace Broker.Host.Tests;

/// <summary>Which source wins, and what a broker has that nobody told anything.</summary>
public sealed class ConfigurationSourcesTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void NothingGivenIsALaptop()
    {
        var config = Read([]).Config!;

        Assert.Equal("PLAINTEXT://localhost:9092", Assert.Single(config.AdvertisedListeners).ToString());
        Assert.Equal(["./data"], config.LogDirs);
        Assert.Equal((0, (short)1), (config.BrokerId, config.Get(ConfigKeys.OffsetsTopicReplicationFactor)));
    }

    [Fact]
    public void CommandLineOverEnvironmentOverFile()
    {
        File.WriteAllText(_file, "num.partitions=2\nlog.dirs=/file\nbroker.rack=file\n");

        var config = Read(["--config", _file, "--override", "num.partitions=4"], ("KAFKA_NUM_PARTITIONS", "3"), ("KAFKA_BROKER_RACK", "env")).Config!;

        Assert.Equal((4, "env", "/file"), (config.Get(ConfigKeys.NumPartitions), config.Get(ConfigKeys.BrokerRack), config.LogDirs[0]));

        // A file stands in the place of the embedded defaults, as Kafka's does.
        Assert.Equal((short)3, config.Get(ConfigKeys.OffsetsTopicReplicationFactor));
    }

    [Fact]
    public void AddressesOfTheEnvironmentReplaceTheEmbeddedOnes()
    {
        var config = Read([], ("KAFKA_ADVERTISED_LISTENERS", "PLAINTEXT://kafka:19092")).Config!;

        Assert.Equal("PLAINTEXT://kafka:19092", Assert.Single(config.AdvertisedListeners).ToString());
        Assert.Equal("PLAINTEXT://0.0.0.0:19092", Assert.Single(config.Listeners).ToString());
    }

    [Fact]
    public void AForeignDataDirectoryDecidesTheId() => Assert.Equal(-1, Read(["log.dirs=/elsewhere"]).Config!.BrokerId);

    [Fact]
    public void LogDirIsNotHiddenByTheEmbeddedDefault() => Assert.Equal(["/one"], Read(["log.dir=/one"]).Config!.LogDirs);

    [Fact]
    public void ErrorsOfAllSourcesComeTogether()
    {
        var sources = Read(["--nope", "--config", "/does/not/exist"], ("KAFKA_NUM_PARTITIONS", "x"));
        using var text = new StringWriter();

        ErrorReport.Print(text, sources.Errors);

        Assert.Null(sources.Config);
        Assert.Equal(["--nope", "--config", "num.partitions"], sources.Errors.Select(error => error.Key));
        Assert.Contains("there are 3 errors", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("num.partitions = x   (KAFKA_NUM_PARTITIONS)", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("Exiting Kafka due to fatal exception during startup.", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ADirectoryThatCannotBeWrittenNamesTheUser()
    {
        // A file in the place of a directory refuses everybody, root included.
        var problem = DataDirectoryCheck.Run(Read([$"log.dirs={_file}/data"]).Config!);

        Assert.Contains($"Failed to create data directory {_file}/data", problem!.Reason, StringComparison.Ordinal);
        Assert.Contains("must be able to write", problem.Remedy, StringComparison.Ordinal);
    }

    private static ConfigurationSources Read(string[] args, params (string Name, string Value)[] environment) =>
        ConfigurationSources.Read(CommandLine.Parse(args), environment.ToDictionary(variable => variable.Name, variable => variable.Value));
}
