using Broker.Configuration;

namespace Broker.Host.Tests;

public sealed class CommandLineTests
{
    [Fact]
    public void FileAndOverridesInEveryForm()
    {
        var line = CommandLine.Parse(["server.properties", "--override", "a=1", "--override=b=2=3", "c=4"]);

        Assert.Empty(line.Errors);
        Assert.Equal((CommandKind.Run, "server.properties"), (line.Kind, line.ConfigFile));
        Assert.Equal([("a", "1"), ("b", "2=3"), ("c", "4")], line.Overrides.Select(entry => (entry.Key, entry.Value)));
        Assert.Equal("x", CommandLine.Parse(["--config", "x"]).ConfigFile);
        Assert.Equal("x", CommandLine.Parse(["--config=x"]).ConfigFile);
    }

    [Fact]
    public void HealthCheckNamesItsServer()
    {
        var line = CommandLine.Parse(["health-check", "--bootstrap-server", "h:1"]);

        Assert.Equal((CommandKind.HealthCheck, "h:1"), (line.Kind, line.BootstrapServer));
        Assert.Equal("localhost:9092", CommandLine.Parse(["health-check"]).BootstrapServer);
    }

    [Fact]
    public void TreeCopyNamesItsTrees()
    {
        var line = CommandLine.Parse(["tree", "copy", "--from", "embedded:/d", "--to=zookeeper:h:2181/kafka"]);

        Assert.Empty(line.Errors);
        Assert.Equal((CommandKind.TreeCopy, "embedded:/d", "zookeeper:h:2181/kafka"), (line.Kind, line.TreeFrom, line.TreeTo));
    }

    [Theory]
    [InlineData("--bogus", "--bogus is not an option.")]
    [InlineData("--override", "--override needs KEY=VALUE.")]
    [InlineData("--config", "--config needs a properties file.")]
    [InlineData("--override=x", "'x' is not of the form KEY=VALUE.")]
    public void Mistakes(string argument, string reason) => Assert.Equal(reason, Assert.Single(CommandLine.Parse([argument]).Errors).Reason);

    [Fact]
    public void OneFileOnly() => Assert.Equal("A properties file was given already: a.", Assert.Single(CommandLine.Parse(["a", "b"]).Errors).Reason);

    [Theory]
    [InlineData("localhost:9092", "localhost", 9092)]
    [InlineData("plaintext://127.0.0.1:32768/", "127.0.0.1", 32768)]
    [InlineData("a:1,b:2", "a", 1)]
    [InlineData("[::1]:9092", "::1", 9092)]
    public void BootstrapServers(string text, string host, int port)
    {
        Assert.True(Health.HealthCheck.TryParse(text, out var foundHost, out var foundPort));
        Assert.Equal((host, port), (foundHost, foundPort));
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData(":9092")]
    [InlineData("h:0")]
    [InlineData("h:99999")]
    public void NotBootstrapServers(string text) => Assert.False(Health.HealthCheck.TryParse(text, out _, out _));
}
