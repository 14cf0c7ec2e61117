using Broker.Cluster;
using Broker.Protocol;

namespace Broker.Server.Tests;

/// <summary>
/// One term of a controller: what it believes of the brokers and the partition. It goes on after another one has taken the office, until a write of it is refused.
/// Elections are the broker's own rules; AlterPartition is judged in the order in which the broker does.
/// </summary>
internal sealed class SimulatedController
{
    private readonly SimulatedTree _tree;
    private readonly BrokenRule _broken;
    private readonly Action<string> _tell;
    private Dictionary<int, long> _all;
    private Dictionary<int, long> _registered;
    private PartitionImage _state;
    private bool _hasStopped;

    // Held for dead in the registration in which they were before.
    private Dictionary<int, long> _maybe = [];
    private readonly HashSet<int> _wereHeld = [];

    public SimulatedController(SimulatedTree tree, Dictionary<int, long> all, HashSet<int> heldForDead, BrokenRule broken, Action<string> tell)
    {
        HeldForDead = heldForDead;
        _all = all;
        Dictionary<int, long> registered = Live(all);
        _tree = tree;
        _broken = broken;
        _tell = tell;
        _registered = registered;
        _state = tree.State;
        Epoch = tree.TakeOffice();
        long written = tree.StateZxid;
        (int leader, int[] isr, bool isNewEpoch) = PartitionElection.AtStart(
            _state.Replicas, _state.Leader, _state.Isr, registered.ContainsKey, broker => HeldForDead.Contains(broker) && all.ContainsKey(broker) && broken != BrokenRule.HeldForDeadIsGivenUp, broker => all[broker] <= written, allowsUnclean: false);
        if (isNewEpoch || PartitionMove.IsUnderWay(_state))
        {
            Write(leader, isr, isElection: true);
        }
    }

    public int Epoch { get; }

    /// <summary>Brokers that refuse its connections, alive or not.</summary>
    public HashSet<int> HeldForDead { get; }

    /// <summary>It has found out that another controller has the office.</summary>
    public bool HasResigned { get; private set; }

    public PartitionImage State => _state;

    /// <summary>A new target for the partition's replicas; null takes the last one back. Those that are given up at once are told so.</summary>
    public void Reassign(int[]? target, IReadOnlyList<SimulatedReplica> replicas)
    {
        if (target is null && !PartitionMove.IsUnderWay(_state))
        {
            return;
        }

        MetadataImage image = MetadataImage.Empty with { Brokers = [.. _registered.Select(r => new BrokerImage(r.Key, r.Value, null, new Dictionary<string, EndpointImage>()))] };
        target ??= PartitionMove.Origin(_state);
        if (PartitionMove.Validate(_state, target, image) is not null)
        {
            return;
        }

        PartitionImage before = _state;
        PartitionImage next = PartitionMove.Begin(before, target, _registered.ContainsKey);
        if (PartitionMove.IsNews(before, next) && Write(next))
        {
            Tell(replicas);
            Stop(PartitionMove.Left(before, next), replicas);
        }
    }

    /// <summary>Takes a reassignment as far as it goes.</summary>
    public void Advance(IReadOnlyList<SimulatedReplica> replicas)
    {
        if (HasResigned || !_state.IsReassigning)
        {
            return;
        }

        if (Finished() is { } next && Write(next))
        {
            Tell(replicas);
        }

        if (!HasResigned && !PartitionMove.IsUnderWay(_state) && !_hasStopped)
        {
            Stop(_state.Removing, replicas);
            _hasStopped = true;
        }

        if (!HasResigned && _hasStopped && _state.Removing.Length > 0 && !Array.Exists(_state.Removing, b => replicas[b - 1].Roles.Exists(r => r.IsStop && r.ControllerEpoch == Epoch)))
        {
            HasResigned = !_tree.TryForgetLeft(Epoch);
            _state = _state with { Removing = [] };
        }
    }

    private PartitionImage? Finished()
    {
        int[] target = PartitionMove.Target(_state);
        int[] alive = Array.FindAll(target, _registered.ContainsKey);
        if (_broken is not (BrokenRule.OldReplicasLeaveFirst or BrokenRule.AnyWantedReplicaMayLead) || !PartitionMove.IsUnderWay(_state) || alive.Length == 0)
        {
            return PartitionMove.Finish(_state, _registered.ContainsKey);
        }

        return _broken == BrokenRule.AnyWantedReplicaMayLead && PartitionMove.Finish(_state with { Isr = [.. _state.Isr.Union(alive)] }, _registered.ContainsKey) is not { } finished
            ? null
            : _state with { Replicas = target, Adding = [], Leader = alive[0], Isr = alive, LeaderEpoch = _state.LeaderEpoch + 1, PartitionEpoch = _state.PartitionEpoch + 1 };
    }

    private void Stop(int[] brokers, IReadOnlyList<SimulatedReplica> replicas)
    {
        foreach (int broker in brokers)
        {
            if (replicas[broker - 1].IsAlive && _registered.TryGetValue(broker, out long epoch))
            {
                replicas[broker - 1].Roles.Add(new SimulatedRole(Epoch, epoch, _state) { IsStop = true });
            }
        }
    }

    /// <summary>Hears of registrations that ended and began. True when there is something to tell.</summary>
    public bool Notice(Dictionary<int, long> all)
    {
        int[] ended = [.. _all.Where(r => all.GetValueOrDefault(r.Key) != r.Value).Select(r => r.Key)];

        // Nobody is held for dead whose present registration was not seen to accept connections.
        HeldForDead.ExceptWith(ended);
        Dictionary<int, long> now = Live(all);
        int[] back = [.. now.Keys.Where(_wereHeld.Contains)];
        _wereHeld.Clear();
        _wereHeld.UnionWith(HeldForDead.Where(all.ContainsKey));
        int[] gone = [.. _registered.Where(r => now.GetValueOrDefault(r.Key) != r.Value).Select(r => r.Key)];
        _all = all;
        if (gone.Length == 0 && ended.Length == 0 && now.Count == _registered.Count)
        {
            return false;
        }

        foreach (int broker in gone)
        {
            _registered.Remove(broker);
        }

        _maybe = _broken == BrokenRule.HeldForDeadIsGivenUp ? [] : all.Where(r => HeldForDead.Contains(r.Key)).ToDictionary();
        Elect(isFenced: _broken != BrokenRule.HeldForDeadIsNotFenced || !Array.TrueForAll(gone, all.ContainsKey));
        _registered = now;
        Elect();
        if (_broken == BrokenRule.AcceptedAgainIsInSync && Array.FindAll(back, b => _state.Replicas.Contains(b)) is { Length: > 0 } returned && _state.Leader >= 0)
        {
            Write(_state.Leader, [.. _state.Isr.Union(returned)], isElection: true);
        }

        return true;
    }

    private Dictionary<int, long> Live(Dictionary<int, long> all) => all.Where(r => !HeldForDead.Contains(r.Key)).ToDictionary();

    public void Tell(IEnumerable<SimulatedReplica> replicas)
    {
        foreach (SimulatedReplica replica in replicas)
        {
            if (replica.IsAlive && _state.Replicas.Contains(replica.Id) && _registered.TryGetValue(replica.Id, out long epoch))
            {
                replica.Roles.Add(new SimulatedRole(Epoch, epoch, _state));
            }
        }
    }

    /// <summary>AlterPartition of a leader.</summary>
    public ErrorCode Decide(SimulatedReplica leader, IsrProposal proposal)
    {
        if (_registered.GetValueOrDefault(leader.Id) != leader.Epoch)
        {
            return ErrorCode.StaleBrokerEpoch;
        }

        PartitionImage from = proposal.From;
        if (from.LeaderEpoch > _state.LeaderEpoch || from.PartitionEpoch > _state.PartitionEpoch)
        {
            return ErrorCode.NotController;
        }

        if (from.LeaderEpoch < _state.LeaderEpoch)
        {
            return ErrorCode.FencedLeaderEpoch;
        }

        if (from.PartitionEpoch < _state.PartitionEpoch)
        {
            return ErrorCode.InvalidUpdateVersion;
        }

        for (int i = 0; i < proposal.Isr.Length; i++)
        {
            if (!_registered.TryGetValue(proposal.Isr[i], out long epoch) || (proposal.BrokerEpochs[i] >= 0 && proposal.BrokerEpochs[i] != epoch))
            {
                // Only the controller knows that: what it says lets the leader forget the replica.
                HasResigned |= !_tree.HasOffice(Epoch) && _broken != BrokenRule.StaleControllerMayAnswer;
                return HasResigned ? ErrorCode.NotController : ErrorCode.IneligibleReplica;
            }
        }

        int[] isr = _broken == BrokenRule.JoinsBeforeItCaughtUp ? [.. _state.Replicas.Where(_registered.ContainsKey)] : proposal.Isr;
        return Write(_state.Leader, isr, isElection: false) ? ErrorCode.None : ErrorCode.NotController;
    }

    private void Elect(bool isFenced = true)
    {
        (int leader, int[] isr) = _broken == BrokenRule.AnyoneMayLead && _registered.Count > 0
            ? (_registered.Keys.Last(), [.. _registered.Keys])
            : PartitionElection.AfterBrokers(_state.Replicas, _state.Leader, _state.Isr, _registered.ContainsKey, _maybe.ContainsKey, allowsUnclean: false);
        if (leader != _state.Leader || !isr.SequenceEqual(_state.Isr))
        {
            Write(leader, isr, isElection: isFenced);
        }
    }

    private bool Write(int leader, int[] isr, bool isElection) => Write(_state with
    {
        Leader = leader,
        Isr = isr,
        LeaderEpoch = _state.LeaderEpoch + (isElection ? 1 : 0),
        PartitionEpoch = _state.PartitionEpoch + 1,
    });

    private bool Write(PartitionImage next)
    {
        if (HasResigned || !_tree.TryWrite(Epoch, next, _state.PartitionEpoch, isChecked: _broken != BrokenRule.StaleControllerMayWrite))
        {
            HasResigned = true;
            return false;
        }

        _state = next;
        _hasStopped = false;
        _tell($"controller of epoch {Epoch}: replicas [{string.Join(',', next.Replicas)}] +[{string.Join(',', next.Adding)}] -[{string.Join(',', next.Removing)}] leader {next.Leader} epoch {next.LeaderEpoch} ISR [{string.Join(',', next.Isr)}] v{next.PartitionEpoch}, alive [{string.Join(',', _registered.Keys)}]");
        return true;
    }
}
