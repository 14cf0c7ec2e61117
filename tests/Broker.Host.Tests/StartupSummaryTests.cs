using Broker.Host.Startup;
using Broker.Server;

namespace Broker.Host.Tests;

/// <summary>Who can use a listener, in words.</summary>
public sealed class StartupSummaryTests
{
    [Theory]
    [InlineData("", "localhost", NameState.Loopback, "listens on every interface port 9092, advertises localhost:9092 (for clients on this machine only)", "which is the client itself")]
    [InlineData("127.0.0.1", "localhost", NameState.Loopback, "listens on 127.0.0.1 (this machine) port 9092", null)]
    [InlineData("0.0.0.0", "10.1.2.3", NameState.Address, "advertises 10.1.2.3:9092 (for clients that reach this address)", null)]
    [InlineData("", "kafka", NameState.Resolves, "advertises kafka:9092 (resolves here, for clients that resolve it too)", null)]
    [InlineData("", "kafka", NameState.Unknown, "does NOT resolve here", "does not resolve on this machine")]
    [InlineData("", "kafka", NameState.Unanswered, "not resolved yet", null)]
    [InlineData("", "", NameState.Unknown, "is not advertised: no client can use it", null)]
    internal void EachListener(string bound, string advertised, NameState state, string line, string? warning)
    {
        var report = new StartupReport(1, "cluster", [new ListenerReport("PLAINTEXT", bound, 9092, advertised, 9092)], ["./data"]);
        var names = new Dictionary<string, NameState>();
        if (advertised.Length > 0)
        {
            names[advertised] = state;
        }

        var summary = new StartupSummary(report, "embedded defaults", names);

        Assert.Contains($"PLAINTEXT: ", summary.Text(), StringComparison.Ordinal);
        Assert.Contains(line, summary.Text(), StringComparison.Ordinal);
        if (warning is null)
        {
            Assert.Empty(summary.Warnings());
        }
        else
        {
            Assert.Contains(warning, Assert.Single(summary.Warnings()), StringComparison.Ordinal);
        }
    }
}
