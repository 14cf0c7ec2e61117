using Xunit.Abstractions;

namespace Broker.Protocol.Tests.Records;

/// <summary>Chance for tests that can be replayed: the seed is printed, and RECORDS_SEED=n runs with it again.</summary>
internal static class Seeds
{
    public static Random Next(ITestOutputHelper output)
    {
        int seed = int.TryParse(Environment.GetEnvironmentVariable("RECORDS_SEED"), out int given) ? given : Random.Shared.Next();
        output.WriteLine($"Seed {seed}; replay with RECORDS_SEED={seed} dotnet test tests/Broker.Protocol.Tests");
        return new Random(seed);
    }
}
