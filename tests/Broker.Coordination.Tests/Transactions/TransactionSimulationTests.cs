using Broker.Protocol;

namespace Broker.Coordination.Tests.Transactions;

/// <summary>
/// Seeded requests of well-behaved and of outdated producers against one shard, with repeated and delayed requests, failing appends, lost markers and crashes.
/// Every marker must match a decision in the log, nobody outdated may change anything, and at the end every transaction comes to rest.
/// </summary>
public sealed class TransactionSimulationTests
{
    [Fact]
    public void Random_histories_keep_the_rules()
    {
        int seeds = int.TryParse(Environment.GetEnvironmentVariable("BROKER_SIMULATION_SEEDS"), out int asked) ? asked : 300;
        for (int seed = 1; seed <= seeds; seed++)
        {
            Run(seed);
        }
    }

    [Fact]
    public void A_marker_that_leaves_before_the_decision_is_caught() =>
        Assert.ThrowsAny<Exception>(() => CheckMarker(new MarkerWork("a", 1, 0, 7, true, [], 1), [], "planted"));

    private static void Run(int seed)
    {
        var random = new Random(seed);
        var driver = new TransactionDriver();
        string where = $"seed {seed}";
        driver.OnMarker = work => CheckMarker(work, driver.Log, where);
        List<(string Id, long ProducerId, short Epoch)> identities = [];
        for (int step = 0; step < 200; step++)
        {
            driver.HoldAppends = random.Next(3) == 0;
            string id = $"txn-{random.Next(3)}";
            (string Id, long ProducerId, short Epoch) who = identities.Count == 0 ? (id, -1, (short)-1) : identities[random.Next(identities.Count)];
            short version = (short)(random.Next(2) * 2);
            bool isOutdated = driver.HeldAppends == 0 && driver.Shard.Find(who.Id) is { } now && (now.ProducerId != who.ProducerId || now.Epoch != who.Epoch);
            TransactionSnapshot? before = driver.Shard.Find(who.Id);
            switch (random.Next(9))
            {
                case 0:
                    Remember(driver.Init(id).Result, id);
                    break;
                case 1:
                    Remember(driver.Init(who.Id, who.ProducerId, who.Epoch).Result, who.Id);
                    break;
                case 2 or 3:
                    driver.Add(who.Id, who.ProducerId, who.Epoch, new TopicPartition("t", random.Next(4)), version);
                    CheckUnchanged();
                    break;
                case 4 or 5:
                    Remember(driver.End(who.Id, who.ProducerId, who.Epoch, random.Next(2) == 0, version).Result, who.Id);
                    CheckUnchanged();
                    break;
                case 6 when driver.Markers.Count > 0:
                    driver.Written(driver.Markers[random.Next(driver.Markers.Count)]);
                    break;
                case 7:
                    driver.CompleteAppend(random.Next(4) == 0 ? ErrorCode.NotEnoughReplicas : ErrorCode.None);
                    driver.Wait(random.Next(200));
                    break;
                case 8 when random.Next(4) == 0:
                    driver.Crash();
                    break;
            }

            void CheckUnchanged()
            {
                if (isOutdated && !ReferenceEquals(before, driver.Shard.Find(who.Id)))
                {
                    Assert.Fail($"{where}, step {step}: an outdated producer changed {who.Id}");
                }
            }
        }
        driver.HoldAppends = false;
        while (driver.CompleteAppend())
        {
        }
        for (int round = 0; round < 5; round++)
        {
            driver.Wait(100_000);
            driver.WriteAllMarkers();
        }
        for (int i = 0; i < 3; i++)
        {
            Assert.True(driver.Shard.Find($"txn-{i}") is null or { State: TransactionState.Empty or TransactionState.CompleteAbort or TransactionState.CompleteCommit }, where);
        }

        void Remember(ProducerResult? result, string id)
        {
            if (result is { Error: ErrorCode.None, ProducerId: >= 0 })
            {
                identities.Add((id, result.ProducerId, result.Epoch));
            }
        }
    }

    private static void CheckMarker(MarkerWork work, List<TransactionRecord> log, string where)
    {
        TransactionSnapshot? decided = log.LastOrDefault(record => record.TransactionalId == work.TransactionalId)?.Value;
        Assert.True(decided is not null && decided.IsPrepared && decided.ProducerId == work.ProducerId && decided.Epoch == work.ProducerEpoch, where);
        Assert.Equal(decided!.State == TransactionState.PrepareCommit, work.IsCommit);
    }
}
