namespace Broker.Coordination.Tests.Transactions;

public sealed class TransactionSimulationTests
{
    private static int Seeds => int.TryParse(Environment.GetEnvironmentVariable("BROKER_SIMULATION_SEEDS"), out int asked) ? asked : 300;

    [Fact]
    public void Random_histories_keep_the_rules()
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            new TransactionSimulation(seed, BrokenTransactionRule.None).Run();
        }
    }

    [Theory]
    [InlineData(nameof(BrokenTransactionRule.EpochIsIgnored), "an outdated producer changed")]
    [InlineData(nameof(BrokenTransactionRule.MarkersLeaveEarly), "left without a decision")]
    [InlineData(nameof(BrokenTransactionRule.PendingOffsetsAreLost), "is called stable")]
    public void A_broken_rule_is_found(string rule, string found)
    {
        var broken = Enum.Parse<BrokenTransactionRule>(rule);
        Exception? failure = Enumerable.Range(1, 300).Select(seed => Record.Exception(new TransactionSimulation(seed, broken).Run)).FirstOrDefault(e => e is not null);
        Assert.Contains(found, failure?.Message ?? "nothing was found", StringComparison.Ordinal);
    }
}
