using Broker.Protocol;

namespace Broker.Coordination.Tests.Transactions;

/// <summary>
/// The partition of the groups' offsets in a simulation of transactions: a real shard of groups, its log, and what it has to show at any time. Each
/// transactional id commits to a group of its own.
/// </summary>
internal sealed class SimulatedOffsets(bool losesPending)
{
    public static readonly TopicPartition Partition = new("__consumer_offsets", 0);

    private static readonly TopicPartition Input = new("input", 0);

    private readonly List<(long ProducerId, OffsetRecord? Record, bool IsCommit)> _log = [];
    private readonly Dictionary<string, long> _committed = [];
    private readonly Dictionary<string, (long ProducerId, long Offset)> _pending = [];
    private ShardDriver _groups = new();
    private long _next;

    public void Commit(string id, long producerId, short epoch)
    {
        int before = _groups.Log.Count;
        var call = new Call<CommitResult>();
        var commit = new CommitInput
        {
            MemberId = "", Generation = -1, Producer = new TransactionalProducer(producerId, epoch), Entries = [new CommitEntry(Input.Topic, Input.Partition, new CommittedOffset(++_next, -1, "", 0))],
        };
        _groups.Step((shard, now, effects) => shard.Commit(id, commit, call, now, effects));
        Assert.Equal(ErrorCode.None, call.Result!.Errors[0]);
        _log.AddRange(_groups.Log.Skip(before).OfType<OffsetRecord>().Select(record => (producerId, (OffsetRecord?)record, false)));
        _pending[id] = (producerId, _next);
    }

    public void Mark(long producerId, bool isCommit)
    {
        _log.Add((producerId, null, isCommit));
        _groups.Step((shard, _, _) => shard.EndTransaction(producerId, isCommit));
        foreach ((string id, (long owner, long offset)) in _pending.ToArray())
        {
            if (owner == producerId)
            {
                _pending.Remove(id);
                _committed[id] = isCommit ? offset : _committed.GetValueOrDefault(id, -1);
            }
        }
    }

    /// <summary>Another shard takes over with what the log has.</summary>
    public void Reload()
    {
        _groups = new ShardDriver();
        foreach ((long producerId, OffsetRecord? record, bool isCommit) in _log)
        {
            _groups.Step((shard, _, _) =>
            {
                if (record is null)
                {
                    shard.EndTransaction(producerId, isCommit);
                }
                else if (!losesPending || !_pending.Values.Any(p => p.ProducerId == producerId))
                {
                    shard.ApplyTransactional(producerId, record);
                }
            });
        }
    }

    /// <summary>What is committed is shown, and what may still be committed keeps it from being called stable.</summary>
    public void Check(string where)
    {
        foreach (string id in _committed.Keys.Union(_pending.Keys))
        {
            Assert.True(Fetch(id, requireStable: false).Value.Offset == _committed.GetValueOrDefault(id, -1), $"{where}: {id} shows {Fetch(id, false).Value.Offset}, committed is {_committed.GetValueOrDefault(id, -1)}");
            Assert.True((Fetch(id, requireStable: true).Error == ErrorCode.UnstableOffsetCommit) == _pending.ContainsKey(id), $"{where}: {id} is called stable, or not, against what is pending");
        }
    }

    private FetchedOffset Fetch(string id, bool requireStable)
    {
        List<FetchedOffset> offsets = [];
        _groups.Shard.Fetch(id, [Input], requireStable, offsets);
        return offsets[0];
    }
}
