using System.Globalization;
using Confluent.Kafka;
using Xunit.Abstractions;

namespace Broker.EndToEnd;

/// <summary>Many producers move amounts between accounts in transactions while they and the broker, coordinators with it, are killed again and again.</summary>
public sealed class TransferTests(ITestOutputHelper output)
{
    private const int Accounts = 5;
    private const int Movers = 4;
    private const int TransfersInCycle = 10;
    private const int TransactionTimeoutMs = 5000;
    private const int TimeoutCheckMs = 500;

    private static int Kills => int.Parse(Environment.GetEnvironmentVariable("BROKER_TRANSFER_KILLS") ?? "100", CultureInfo.InvariantCulture);

    [Fact]
    public async Task No_transfer_is_torn_lost_or_doubled()
    {
        int seed = int.Parse(Environment.GetEnvironmentVariable("BROKER_TEST_SEED") ?? $"{Random.Shared.Next()}", CultureInfo.InvariantCulture);
        output.WriteLine($"BROKER_TEST_SEED={seed} BROKER_TRANSFER_KILLS={Kills}");
        var random = new Random(seed);
        await using IServerUnderTest server = await ServerUnderTest.StartAsync($"transaction.abort.timed.out.transaction.cleanup.interval.ms={TimeoutCheckMs}");
        await new ConfluentDotnet().CreateTopicAsync(server.Bootstrap, "transfers", Movers);
        await new ConfluentDotnet().CreateTopicAsync(server.Bootstrap, "accounts", Accounts);
        using IProducer<string, string> requests = TransactionalClient.Plain(server.Bootstrap);
        using var ledger = new Ledger(server.Bootstrap, Accounts, Movers);
        await using var watch = new LastStableOffsetWatch(server.Bootstrap, Enumerable.Range(0, Accounts).Select(a => new TopicPartition("accounts", a)), TransactionTimeoutMs, TimeoutCheckMs);
        Mover[] movers = [.. Enumerable.Range(0, Movers).Select(m => new Mover(server.Bootstrap, m, TransactionTimeoutMs))];
        try
        {
            int given = 0;
            int brokerKills = 0;
            for (int cycle = 0; cycle < Kills; cycle++)
            {
                await GiveAsync(requests, random, given, TransfersInCycle);
                given += TransfersInCycle;
                // Now and then everything that was asked for has to be there, so that no account stays behind the others.
                await AdvanceAsync(cycle % 10 == 9 ? given : given - (2 * TransfersInCycle), $"kill {cycle}");
                await Task.Delay(random.Next(0, 50));
                if (random.Next(2) == 0)
                {
                    await server.KillAsync();
                    await server.RestartAsync();
                    watch.BrokerRestarts();
                    brokerKills++;
                }
                else
                {
                    await movers[random.Next(Movers)].KillAsync();
                }
            }

            await AssertOpenTransactionsEndAsync(given);
            await AdvanceAsync(given, "the last kill");
            await ledger.StopAsync();
            watch.Check();
            Assert.Equal((given, 0, 0), (ledger.Complete, ledger.Torn, ledger.Sum));
            output.WriteLine($"{given} transfers, {brokerKills} kills of the broker and {Kills - brokerKills} of movers, which gave up {movers.Sum(m => m.Complaints.Count)} times; a transaction held the last stable offset for {watch.LongestMs} ms at most");

            // All movers die at once, most of them within a transaction. Nobody comes to end it but the broker.
            async Task AssertOpenTransactionsEndAsync(int before)
            {
                await GiveAsync(requests, random, before, TransfersInCycle * Movers);
                given += TransfersInCycle * Movers;
                await AdvanceAsync(before + 1, "the last kill but one");
                await Task.WhenAll(movers.Select(m => m.KillAsync()));
                await Eventually.TrueAsync(() => Enumerable.Range(0, Accounts).All(a => IsStable(server.Bootstrap, a)), $"the last stable offset reaches the end, seed {seed}");
            }

            async Task AdvanceAsync(int complete, string after)
            {
                bool isThere = false;
                try
                {
                    await Eventually.TrueAsync(
                        () =>
                        {
                            ledger.Check();
                            watch.Check();
                            Array.ForEach(movers, m => m.Ensure(random.Next()));
                            return isThere = ledger.Complete >= complete;
                        },
                        $"{complete} transfers after {after}, seed {seed}");
                }
                finally
                {
                    if (!isThere)
                    {
                        Describe();
                    }
                }
            }

            void Describe()
            {
                output.WriteLine($"{ledger.Complete} transfers are complete, {ledger.Torn} torn; the movers said:\n{string.Join('\n', movers.SelectMany(m => m.Complaints))}");
                foreach (TopicPartition at in Enumerable.Range(0, Accounts).Select(a => new TopicPartition("accounts", a)))
                {
                    output.WriteLine($"{at}: last stable offset {TransactionalClient.EndOffset(server.Bootstrap, at, IsolationLevel.ReadCommitted)}, end {TransactionalClient.EndOffset(server.Bootstrap, at, IsolationLevel.ReadUncommitted)}");
                }

                foreach (TopicPartition at in Enumerable.Range(0, Movers).Select(m => new TopicPartition("transfers", m)))
                {
                    output.WriteLine($"{at}: committed {TransactionalClient.Committed(server.Bootstrap, "movers", at, IsolationLevel.ReadUncommitted)}, end {TransactionalClient.EndOffset(server.Bootstrap, at, IsolationLevel.ReadUncommitted)}, transaction {StoredTransactions.StateOf(server.DataDirectory, $"mover-{at.Partition.Value}")}");
                }
            }
        }
        finally
        {
            Array.ForEach(movers, m => m.Dispose());
        }
    }

    /// <summary>Requests with the numbers from <paramref name="first"/> on, each in the partition of its mover.</summary>
    private static Task GiveAsync(IProducer<string, string> requests, Random random, int first, int count) => Task.WhenAll(Enumerable.Range(first, count).Select(number =>
    {
        int source = random.Next(Accounts);
        int target = (source + random.Next(1, Accounts)) % Accounts;
        return requests.WriteAsync(new TopicPartition("transfers", number % Movers), $"{number} {source} {target} {random.Next(1, 100)}");
    }));

    private static bool IsStable(string bootstrap, int account) =>
        TransactionalClient.EndOffset(bootstrap, new("accounts", account), IsolationLevel.ReadCommitted) == TransactionalClient.EndOffset(bootstrap, new("accounts", account), IsolationLevel.ReadUncommitted);
}
