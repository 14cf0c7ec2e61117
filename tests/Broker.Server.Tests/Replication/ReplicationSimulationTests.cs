using System.Globalization;
using Xunit.Abstractions;

namespace Broker.Server.Tests;

/// <summary>Replication under faults on virtual time. BROKER_SIMULATION_SEEDS sets how many seeds, BROKER_SIMULATION_SEED the first.</summary>
public sealed class ReplicationSimulationTests(ITestOutputHelper output)
{
    private const int Steps = 3000;

    private static int Seeds => Number("BROKER_SIMULATION_SEEDS", 40);

    private static int First => Number("BROKER_SIMULATION_SEED", 1);

    [Fact]
    public void No_acknowledged_record_is_lost()
    {
        int acknowledged = 0;
        for (int seed = First; seed < First + Seeds; seed++)
        {
            using var simulation = new ReplicationSimulation(seed, BrokenRule.None);
            string? violation = simulation.Run(Steps);
            Assert.True(violation is null, $"BROKER_SIMULATION_SEED={seed} BROKER_SIMULATION_SEEDS=1: {violation}\n{string.Join('\n', simulation.Story.TakeLast(80))}");
            acknowledged += simulation.Acknowledged;
        }

        output.WriteLine($"{Seeds} seeds, {acknowledged} records acknowledged");
        Assert.True(acknowledged > 10 * Seeds, "hardly anything was acknowledged: the simulation shows nothing");
    }

    [Theory]
    [InlineData("AnyoneMayLead")]
    [InlineData("AcknowledgedAtOnce")]
    [InlineData("EpochsAreIgnored")]
    [InlineData("JoinsBeforeItCaughtUp")]
    public void A_broken_rule_is_found(string rule)
    {
        for (int seed = 1; seed <= 300; seed++)
        {
            using var simulation = new ReplicationSimulation(seed, Enum.Parse<BrokenRule>(rule));
            if (simulation.Run(Steps) is { } violation)
            {
                output.WriteLine($"seed {seed}: {violation}");
                return;
            }
        }

        Assert.Fail($"{rule} was not found in 300 seeds");
    }

    private static int Number(string variable, int otherwise) => int.Parse(Environment.GetEnvironmentVariable(variable) ?? $"{otherwise}", CultureInfo.InvariantCulture);
}
