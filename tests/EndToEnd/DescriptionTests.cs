using System.Globalization;

namespace Broker.EndToEnd;

/// <summary>What operators can ask a running broker without a client.</summary>
public sealed class DescriptionTests
{
    [Fact]
    public async Task A_signal_makes_the_broker_say_why_records_are_still_there()
    {
        await using BrokerProcess broker = await BrokerProcess.StartAsync("log.retention.hours=2");
        var client = new ConfluentDotnet();
        await client.CreateTopicAsync(broker.Bootstrap, "old", 1);
        await client.ProduceAsync(broker.Bootstrap, "old", "none", ["a", "b", "c"]);
        (await Command.RunAsync("kill", ["-USR1", broker.ProcessId.ToString(CultureInfo.InvariantCulture)])).Succeeded();
        await Eventually.TrueAsync(() => broker.Log.Contains("old-0: offsets 0 to 3", StringComparison.Ordinal), "the partition's description is in the log");
        Assert.Contains("newest record is older than retention.ms=7200000", broker.Log, StringComparison.Ordinal);
        await client.ProduceAsync(broker.Bootstrap, "old", "none", ["d"]);
    }
}
