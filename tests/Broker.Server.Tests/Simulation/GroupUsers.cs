using Broker.Coordination;
using Broker.Protocol;

namespace Broker.Server.Tests;

/// <summary>Groups that commit ever higher offsets. A coordinator that begins knows at least what was acknowledged before it began.</summary>
internal sealed class GroupUsers(Random random) : SimulatedUsers(random)
{
    private static readonly TopicPartition Committed = new("t", 0);

    private readonly List<(string Group, long Offset, int LeaderEpoch, Call<CommitResult> Call)> _calls = [];
    private readonly Dictionary<string, (long Offset, int LeaderEpoch)> _acknowledged = [];
    private long _next;

    public override SimulatedCoordinator Begin(SimulatedReplica replica, int leaderEpoch, TimeProvider time, Func<SimulatedReplica, SimulatedBatch, long?> append, BrokenRule broken) =>
        new Coordinator(replica, leaderEpoch, time, append) { Broken = broken };

    public override string? TakeAnswers()
    {
        foreach ((string group, long offset, int epoch, Call<CommitResult> call) in _calls)
        {
            if (call.Result is { } answer && answer.Errors[0] == ErrorCode.None && offset > _acknowledged.GetValueOrDefault(group).Offset)
            {
                _acknowledged[group] = (offset, epoch);
                Told++;
            }
        }

        _calls.RemoveAll(c => c.Call.IsAnswered);
        return null;
    }

    protected override void Ask(SimulatedCoordinator coordinator)
    {
        string group = $"g{Random.Next(3)}";
        _calls.Add((group, ++_next, coordinator.LeaderEpoch, ((Coordinator)coordinator).Commit(group, _next)));
    }

    protected override string? LookAtLoaded(SimulatedCoordinator coordinator)
    {
        foreach ((string group, (long offset, int epoch)) in _acknowledged)
        {
            // It may load when others have led after it already.
            if (epoch < coordinator.LeaderEpoch && ((Coordinator)coordinator).Find(group) < offset)
            {
                return $"the coordinator of epoch {coordinator.LeaderEpoch} begins with offset {((Coordinator)coordinator).Find(group)} of {group}, for which {offset} was acknowledged in epoch {epoch}";
            }
        }

        return null;
    }

    private sealed class Coordinator(SimulatedReplica replica, int leaderEpoch, TimeProvider time, Func<SimulatedReplica, SimulatedBatch, long?> append)
        : SimulatedCoordinator(replica, leaderEpoch, time, append)
    {
        private readonly GroupShard _shard = new(new GroupSettings(), new NoMembers());

        protected override ICoordinatorShard Shard => _shard;

        public long Find(string group) => _shard.TryFind(group, out Group? found) ? found.Offsets.Find(Committed)?.Offset ?? -1 : -1;

        public Call<CommitResult> Commit(string group, long offset)
        {
            var call = new Call<CommitResult>();
            var entry = new CommitEntry(Committed.Topic, Committed.Partition, new CommittedOffset(offset, -1, "", Clock.Now.UnixMs, -1));
            Step((now, effects) => _shard.Commit(group, new CommitInput { MemberId = "", Generation = -1, Entries = [entry] }, call, now, effects));
            return call;
        }

        protected override void ReadLog() => new GroupLoader(this, 0, 512, Clock, Logger).Load(_shard, static () => false);
    }

    private sealed class NoMembers : IMemberIds
    {
        public string Next(string prefix) => throw new NotSupportedException("offsets are committed without members here");
    }
}
