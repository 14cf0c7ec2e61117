using Xunit.Abstractions;

namespace Broker.Protocol.Tests;

/// <summary>Runs a randomised test so that a failure names the seed and how to replay it.</summary>
internal static class Seeded
{
    private const string Variable = "BROKER_TEST_SEED";

    public static void Run(ITestOutputHelper output, Action<Random> test)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable(Variable), out int given) ? given : Random.Shared.Next();
        output.WriteLine($"Seed {seed}; replay with {Variable}={seed}");
        try
        {
            test(new Random(seed));
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Failed with seed {seed}; replay with {Variable}={seed}. {e.Message}", e);
        }
    }
}
