namespace Broker.Cluster.Tests;

/// <summary>Who leads and who is in sync, as tables.</summary>
public sealed class PartitionElectionTests
{
    // replicas, leader, isr, alive -> leader, isr
    [Theory]
    [InlineData("1 2 3", 1, "1 2 3", "1 2 3", false, 1, "1 2 3")]
    [InlineData("1 2 3", 1, "1 2 3", "2 3", false, 2, "2 3")]
    [InlineData("1 2 3", 1, "3 1", "2 3", false, 3, "3")]
    [InlineData("1 2 3", 2, "1 2 3", "1 2", false, 2, "1 2")]
    [InlineData("1 2 3", 1, "1", "2 3", false, -1, "1")]
    [InlineData("1 2 3", 1, "1", "2 3", true, 2, "2")]
    [InlineData("1 2 3", -1, "1", "1 2", false, 1, "1")]
    [InlineData("1 2 3", -1, "1", "", true, -1, "1")]
    [InlineData("0 1", 0, "0", "1", true, 1, "1")]
    public void After_brokers_died_or_came(string replicas, int leader, string isr, string alive, bool unclean, int expectedLeader, string expectedIsr)
    {
        int[] live = Ids(alive);
        (int next, int[] inSync) = PartitionElection.AfterBrokers(Ids(replicas), leader, Ids(isr), live.Contains, _ => false, unclean);
        Assert.Equal((expectedLeader, expectedIsr), (next, string.Join(' ', inSync)));
    }

    // Leader 1, ISR 1 2 3: who may be there although nobody can connect to him is not given up for one that was away, nor for an unclean election.
    [Theory]
    [InlineData("1 2 3", "3", "", 1, "1 2 3")]
    [InlineData("2", "1 3", "", 2, "2")]
    [InlineData("", "1 2", "", -1, "1 2")]
    [InlineData("", "2", "", -1, "2")]
    [InlineData("3", "2", "3", -1, "2")]
    [InlineData("2 3", "1", "2 3", -1, "1")]
    [InlineData("", "1", "1", -1, "1")]
    [InlineData("", "1 2", "1 2", -1, "1 2")]
    [InlineData("2", "1", "1 2", 2, "2")]
    public void Those_held_for_dead_stay_rather_than_those_that_are_gone(string alive, string held, string cameBack, int expectedLeader, string expectedIsr)
    {
        (int next, int[] inSync, _) = PartitionElection.AtStart([1, 2, 3], 1, [1, 2, 3], Ids(alive).Contains, Ids(held).Contains, b => !Ids(cameBack).Contains(b), allowsUnclean: true);
        Assert.Equal((expectedLeader, expectedIsr), (next, string.Join(' ', inSync)));
    }

    // A controller that starts: those who stayed are preferred, whoever came back leads in a new epoch, and what need not change does not.
    [Theory]
    [InlineData(1, "1 2 3", "1 2 3", "1 2 3", 1, "1 2 3", false)]
    [InlineData(1, "1 2 3", "1 2 3", "2 3", 2, "2 3", true)]
    [InlineData(1, "1 2 3", "1 2 3", "1 3", 1, "1 3", true)]
    [InlineData(1, "1 2 3", "1 2 3", "", 1, "1 2 3", true)]
    [InlineData(1, "1", "1 2 3", "2 3", 1, "1", true)]
    [InlineData(1, "1", "2 3", "2 3", -1, "1", true)]
    [InlineData(-1, "1", "2 3", "2 3", -1, "1", false)]
    [InlineData(2, "2 3", "1 2 3", "2 3", 2, "2 3", false)]
    public void At_the_start_of_a_controller(int leader, string isr, string alive, string stayed, int expectedLeader, string expectedIsr, bool isNewEpoch)
    {
        (int next, int[] inSync, bool isNew) = PartitionElection.AtStart([1, 2, 3], leader, Ids(isr), Ids(alive).Contains, _ => false, Ids(stayed).Contains, allowsUnclean: false);
        Assert.Equal((expectedLeader, expectedIsr, isNewEpoch), (next, string.Join(' ', inSync), isNew));
    }

    [Fact]
    public void A_broker_that_stops_hands_over_only_to_one_in_sync()
    {
        static string? Without(int leader, int[] isr, int broker) =>
            PartitionElection.WithoutBroker([1, 2, 3], leader, isr, broker, _ => true) is { } next ? $"{next.Leader}: {string.Join(' ', next.Isr)}" : null;

        Assert.Equal("2: 2 3", Without(1, [1, 2, 3], 1));
        Assert.Equal("1: 1 3", Without(1, [1, 2, 3], 2));
        Assert.Null(Without(1, [1], 1));
        Assert.Null(Without(1, [1, 2], 3));
    }

    [Fact]
    public void The_preferred_replica_leads_if_it_is_in_sync_and_alive()
    {
        Assert.Equal(1, PartitionElection.Preferred([1, 2], 2, [1, 2], _ => true));
        Assert.Null(PartitionElection.Preferred([1, 2], 1, [1, 2], _ => true));
        Assert.Null(PartitionElection.Preferred([1, 2], 2, [2], _ => true));
        Assert.Null(PartitionElection.Preferred([1, 2], 2, [1, 2], b => b != 1));
    }

    private static int[] Ids(string text) => [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
}
