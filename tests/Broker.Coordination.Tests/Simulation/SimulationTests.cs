using System.Globalization;

namespace Broker.Coordination.Tests.Simulation;

public sealed class SimulationTests
{
    private const int StepsPerSeed = 150;

    /// <summary>BROKER_SIMULATION_SEEDS sets the number of seeds, BROKER_SIMULATION_SEED replays one.</summary>
    [Fact]
    public void Random_clients_never_bring_a_group_out_of_order()
    {
        int? only = Number("BROKER_SIMULATION_SEED");
        int first = only ?? Random.Shared.Next();
        int count = only is null ? Number("BROKER_SIMULATION_SEEDS") ?? 2_000 : 1;
        Parallel.For(0, count, i => RunSeed(first + i));
    }

    private static void RunSeed(int seed)
    {
        var simulation = new GroupSimulation(seed);
        try
        {
            simulation.Run(StepsPerSeed);
        }
        catch (Exception e)
        {
            string trace = string.Join('\n', simulation.Trace.TakeLast(120));
            throw new InvalidOperationException($"Seed {seed} failed; replay with BROKER_SIMULATION_SEED={seed}.\n{trace}\n{e}", e);
        }
    }

    private static int? Number(string variable) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int value) ? value : null;
}
