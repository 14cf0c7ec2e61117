using Broker.Protocol;

namespace Broker.Coordination.Tests.Transactions;

/// <summary>
/// Seeded requests of well-behaved and of outdated producers against one shard, with repeated and delayed requests, failing appends, lost markers and crashes.
/// After each step: every marker matches a decision in the log, nobody outdated has changed anything, offsets show what was committed and no more. At the end
/// every transaction comes to rest.
/// </summary>
internal sealed class TransactionSimulation
{
    private readonly int _seed;
    private readonly BrokenTransactionRule _broken;
    private readonly Random _random;
    private readonly TransactionDriver _driver;
    private readonly SimulatedOffsets _offsets;

    /// <summary>Every producer that ever was; most are outdated.</summary>
    private readonly List<(string Id, long ProducerId, short Epoch)> _identities = [];

    public TransactionSimulation(int seed, BrokenTransactionRule broken)
    {
        (_seed, _broken, _random) = (seed, broken, new Random(seed));
        _driver = new TransactionDriver { OnMarker = work => CheckMarker(work, $"seed {seed}"), MarkersLeaveEarly = broken == BrokenTransactionRule.MarkersLeaveEarly };
        _offsets = new SimulatedOffsets(losesPending: broken == BrokenTransactionRule.PendingOffsetsAreLost);
    }

    public void Run()
    {
        for (int step = 0; step < 200; step++)
        {
            _driver.HoldAppends = _random.Next(3) == 0;
            Step($"seed {_seed}, step {step}");
            _offsets.Check($"seed {_seed}, step {step}");
        }

        _driver.HoldAppends = false;
        while (_driver.CompleteAppend())
        {
        }
        for (int round = 0; round < 5; round++)
        {
            _driver.Wait(100_000);
            foreach (MarkerWork work in _driver.Markers.ToArray())
            {
                Write(work);
            }
            _driver.Markers.Clear();
        }
        for (int i = 0; i < 3; i++)
        {
            Assert.True(_driver.Shard.Find($"txn-{i}") is null or { State: TransactionState.Empty or TransactionState.CompleteAbort or TransactionState.CompleteCommit }, $"seed {_seed}");
        }
        _offsets.Check($"seed {_seed} at the end");
    }

    private void Step(string where)
    {
        string id = $"txn-{_random.Next(3)}";
        (string Id, long ProducerId, short Epoch) who = _identities.Count == 0 ? (id, -1, (short)-1) : _identities[_random.Next(_identities.Count)];
        TransactionSnapshot? before = _driver.Shard.Find(who.Id);
        bool isOutdated = _driver.HeldAppends == 0 && before is not null && (before.ProducerId != who.ProducerId || before.Epoch != who.Epoch);
        (long producerId, short epoch) = _broken == BrokenTransactionRule.EpochIsIgnored && before is not null ? (before.ProducerId, before.Epoch) : (who.ProducerId, who.Epoch);
        short version = (short)(_random.Next(2) * 2);
        switch (_random.Next(11))
        {
            case 0:
                Remember(_driver.Init(id).Result, id);
                break;
            case 1:
                Remember(_driver.Init(who.Id, who.ProducerId, who.Epoch).Result, who.Id);
                break;
            case 2 or 3:
                _driver.Add(who.Id, producerId, epoch, new TopicPartition("t", _random.Next(4)), version);
                CheckUnchanged();
                break;
            case 4 or 5:
                Remember(_driver.End(who.Id, producerId, epoch, _random.Next(2) == 0, version).Result, who.Id);
                CheckUnchanged();
                break;
            case 6 when _driver.Markers.Count > 0:
                Write(_driver.Markers[_random.Next(_driver.Markers.Count)]);
                break;
            case 7:
                _driver.CompleteAppend(_random.Next(4) == 0 ? ErrorCode.NotEnoughReplicas : ErrorCode.None);
                _driver.Wait(_random.Next(200));
                break;
            case 8 when _random.Next(4) == 0:
                _driver.Crash();
                break;
            case 9:
                // The group's partition is in the transaction first, then the offset comes.
                _driver.Add(who.Id, producerId, epoch, SimulatedOffsets.Partition, version);
                CheckUnchanged();
                if (_driver.Shard.Find(who.Id) is { State: TransactionState.Ongoing } open && open.ProducerId == who.ProducerId && open.Epoch == who.Epoch && open.Partitions.Contains(SimulatedOffsets.Partition))
                {
                    _offsets.Commit(who.Id, who.ProducerId, who.Epoch);
                }
                break;
            case 10 when _random.Next(4) == 0:
                _offsets.Reload();
                break;
        }

        void CheckUnchanged() => Assert.True(!isOutdated || ReferenceEquals(before, _driver.Shard.Find(who.Id)), $"{where}: an outdated producer changed {who.Id}");
    }

    /// <summary>The marker reaches its partitions and the news of it the coordinator. A log refuses what is not of the transaction that is being ended.</summary>
    private void Write(MarkerWork work)
    {
        if (work.Partitions.Contains(SimulatedOffsets.Partition) && _driver.Shard.Find(work.TransactionalId) is { IsPrepared: true } ending
            && ending.ProducerId == work.ProducerId && ending.Epoch == work.ProducerEpoch)
        {
            _offsets.Mark(work.ProducerId, work.IsCommit);
        }
        _driver.Written(work);
    }

    private void Remember(ProducerResult? result, string id)
    {
        if (result is { Error: ErrorCode.None, ProducerId: >= 0 })
        {
            _identities.Add((id, result.ProducerId, result.Epoch));
        }
    }

    private void CheckMarker(MarkerWork work, string where)
    {
        TransactionSnapshot? decided = _driver.Log.LastOrDefault(record => record.TransactionalId == work.TransactionalId)?.Value;
        Assert.True(decided is not null && decided.IsPrepared && decided.ProducerId == work.ProducerId && decided.Epoch == work.ProducerEpoch, $"{where}: a marker of {work.TransactionalId} left without a decision");
        Assert.Equal(decided!.State == TransactionState.PrepareCommit, work.IsCommit);
    }
}
