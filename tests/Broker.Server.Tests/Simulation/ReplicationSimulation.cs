using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Records;
using Broker.Storage;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Server.Tests;

/// <summary>
/// One partition on three brokers and their controllers in one thread, on virtual time: messages are late, lost and overtake each other, brokers crash, lose power, come back, and
/// lose their session without knowing, controllers go on after another has taken their office or hold brokers for dead that live, each for itself, or replicas are
/// reassigned and taken back. Checked after every step:
/// whoever begins to lead has every acknowledged record where it was acknowledged (leader completeness); what one broker shows to consumers no other shows differently
/// (consistent read, log matching below the high watermark); everybody in the ISR has all that anybody shows.
/// </summary>
internal sealed class ReplicationSimulation : IDisposable
{
    private const int MaxLagMs = 5000;
    private const int MinIsr = 2;

    private readonly Random _random;
    private readonly BrokenRule _broken;
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly SimulatedTree _tree = new(new PartitionImage(0, 1, 0, 0, [1, 2, 3], [1, 2, 3], []));
    private readonly SimulatedReplica[] _replicas;

    // The last one has the office.
    private readonly List<SimulatedController> _controllers = [];
    private readonly Dictionary<long, (string Value, int LeaderEpoch)> _acknowledged = [];
    private readonly Dictionary<long, string> _shown = [];
    private readonly List<(SimulatedReplica Leader, int Term, long Offset, string Value)> _pending = [];
    private readonly List<string>? _story;
    private readonly bool _moves;
    private readonly SimulatedUsers? _users;
    private readonly bool _holds;
    private int _appended;

    /// <param name="seed">Decides everything.</param>
    /// <param name="broken">A rule to break.</param>
    /// <param name="moves">There is a fourth broker, and replicas are reassigned.</param>
    /// <param name="users">The partition is one of a coordinator's topic, and these use it; otherwise records are just records.</param>
    /// <param name="holds">Controllers hold brokers for dead because they cannot connect to them.</param>
    /// <param name="story">Takes a line for whatever happens; null for none.</param>
    public ReplicationSimulation(int seed, BrokenRule broken, bool moves, UsersOf users = UsersOf.Nothing, bool holds = false, List<string>? story = null)
    {
        _random = new Random(seed);
        _broken = broken;
        _story = story;
        _moves = moves;
        _users = users switch { UsersOf.Groups => new GroupUsers(_random), UsersOf.Transactions => new TransactionUsers(_random), _ => null };
        _holds = holds;
        _replicas = [.. Enumerable.Range(1, _moves ? 4 : 3).Select(id => new SimulatedReplica(id, _tree, _clock, broken))];
        TakeOffice();
    }

    public int Acknowledged => _acknowledged.Count;

    /// <summary>Commits and ends of transactions that users were told of.</summary>
    public int Told => _users?.Told ?? 0;

    /// <summary>What went wrong, or null.</summary>
    public string? Run(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            string? violation = Step(_random.Next(1000)) ?? Look();
            Acknowledge();
            if ((violation ?? LookAtCoordinators()) is not null and var found)
            {
                return $"step {i}: {found}";
            }
        }

        return Heal();
    }

    public void Dispose()
    {
        foreach (SimulatedReplica replica in _replicas)
        {
            replica.Dispose();
        }
    }

    private string? Step(int die)
    {
        SimulatedReplica replica = _replicas[_random.Next(_replicas.Length)];
        switch (die)
        {
            case < 120:
                return _users is null ? Append(replica) : Use(replica);
            case < 320:
                Fetch(replica);
                return null;
            case < 520:
                Serve(replica);
                return null;
            case < 720:
                Deliver(replica);
                return null;
            case < 840:
                return TakeRole(replica);
            case < 870:
                _clock.Advance(TimeSpan.FromMilliseconds(_random.Next(MaxLagMs)));
                return null;
            case < 930:
                ChangeIsr(replica);
                return null;
            case < 955:
                Notice(_controllers[_random.Next(_controllers.Count)]);
                return null;
            case < 958:
                TakeOffice();
                return null;
            case < 961 when _moves:
                Reassign();
                return null;
            case < 968 when _holds:
                Hold(replica);
                return null;
            case < 994:
                Repair(replica);
                return null;
            default:
                Fault(replica);
                return null;
        }
    }

    private string? Append(SimulatedReplica replica)
    {
        if (replica.Leads)
        {
            var batch = new RecordBatchBuilder(new RecordBatchOptions());
            string value = $"{replica.Id}:{_appended++}";
            batch.Append(_clock.GetUtcNow().ToUnixTimeMilliseconds(), null, System.Text.Encoding.UTF8.GetBytes(value));
            Append(replica, new SimulatedBatch(batch.Build(), [value]), AppendOrigin.Client);
        }

        return null;
    }

    /// <summary>The offset of the last record; null when it was refused.</summary>
    private long? Append(SimulatedReplica replica, SimulatedBatch batch, AppendOrigin origin)
    {
        AppendResult result = replica.Partition!.Append(batch.Bytes, origin, -1);
        if (result.Error != ErrorCode.None)
        {
            return null;
        }

        for (int i = 0; i < batch.Values.Count; i++)
        {
            long offset = result.LastOffset - batch.Values.Count + 1 + i;
            _story?.Add($"{replica.Id} appends {batch.Values[i]} at {offset}, epoch {replica.Partition.LeaderEpoch}");
            _pending.Add((replica, replica.Term, offset, batch.Values[i]));
        }

        return result.LastOffset;
    }

    private string? Use(SimulatedReplica replica)
    {
        if (!replica.Leads)
        {
            return null;
        }

        replica.Coordinator ??= _users!.Begin(replica, replica.Partition!.LeaderEpoch, _clock, (leader, batch) => Append(leader, batch, AppendOrigin.Coordinator), _broken);
        return _users!.Act(replica.Coordinator);
    }

    private string? LookAtCoordinators()
    {
        if (_users is null)
        {
            return null;
        }

        foreach (SimulatedReplica replica in _replicas)
        {
            if (replica.Coordinator is { } coordinator && _users.Look(coordinator) is { } wrong)
            {
                return wrong;
            }
        }

        return _users.TakeAnswers();
    }

    private void Fetch(SimulatedReplica replica)
    {
        if (replica is { IsAlive: true, Followed: { } followed, Request: null, Answer: null })
        {
            FetchTarget target = replica.NextFetch();
            if (_broken == BrokenRule.EpochsAreIgnored)
            {
                (target.CurrentLeaderEpoch, target.LastFetchedEpoch) = (-1, -1);
            }

            replica.Request = (followed, target, replica.Partition!.Role!.Leader);
        }
    }

    private void Serve(SimulatedReplica follower)
    {
        if (follower.Request is not { } request)
        {
            return;
        }

        follower.Request = null;
        SimulatedReplica leader = _replicas[request.Leader - 1];
        if (leader.IsAlive && _random.Next(10) > 0)
        {
            follower.Answer = (request.By, leader.Serve(request.Target, follower));
        }
    }

    private void Deliver(SimulatedReplica follower)
    {
        if (follower.Answer is null)
        {
            return;
        }

        if (_random.Next(10) == 0)
        {
            follower.Answer = null;
            return;
        }

        long before = follower.Log.LogEndOffset;
        follower.Deliver();
        if (follower.Log.LogEndOffset != before)
        {
            _story?.Add($"{follower.Id} goes from {before} to {follower.Log.LogEndOffset}, high watermark {follower.Log.HighWatermark}, epoch {follower.Partition!.LeaderEpoch}");
        }
    }

    private string? TakeRole(SimulatedReplica replica)
    {
        if (!replica.IsAlive || replica.Roles.Count == 0)
        {
            return null;
        }

        // One connection for each controller: their requests overtake each other.
        int any = replica.Roles[_random.Next(replica.Roles.Count)].ControllerEpoch;
        SimulatedRole told = replica.Roles.Find(r => r.ControllerEpoch == any);
        replica.Roles.Remove(told);
        bool leads = replica.Take(told);
        PartitionImage role = told.State;
        _story?.Add($"{replica.Id} hears {(told.IsStop ? "that it has to delete its replica," : "")} of leader {role.Leader} epoch {role.LeaderEpoch} ISR [{string.Join(',', role.Isr)}] v{role.PartitionEpoch}; its log ends at {replica.Log.LogEndOffset}");
        if (!leads)
        {
            return null;
        }

        Dictionary<long, string> records = replica.Records();
        foreach ((long offset, (string value, int epoch)) in _acknowledged)
        {
            // It may hear of its leadership when others have had theirs already.
            if (epoch < role.LeaderEpoch && records.GetValueOrDefault(offset) != value)
            {
                return $"broker {replica.Id} begins to lead epoch {role.LeaderEpoch} with '{records.GetValueOrDefault(offset)}' at {offset}, where '{value}' was acknowledged";
            }
        }

        return null;
    }

    private void ChangeIsr(SimulatedReplica replica)
    {
        if (!replica.IsAlive)
        {
            return;
        }

        if (replica.ProposalAnswer is { } answer)
        {
            replica.ProposalAnswer = null;
            IsrProposal settled = replica.Proposal!;
            replica.Proposal = null;
            _story?.Add($"{replica.Id} hears {answer.Error}, ISR [{string.Join(',', answer.State.Isr)}] v{answer.State.PartitionEpoch}");
            replica.Partition!.SettleIsr(settled, answer.Error, answer.State.LeaderEpoch, answer.State.Isr, answer.State.PartitionEpoch);
            return;
        }

        replica.Proposal ??= replica.Leads ? replica.Partition!.ProposeIsr(MaxLagMs) : null;
        if (replica.Proposal is { } proposal && _random.Next(4) > 0)
        {
            SimulatedController controller = _controllers[_random.Next(_controllers.Count)];
            ErrorCode error = controller.Decide(replica, proposal);
            PartitionImage answered = controller.State;
            controller.Advance(_replicas);

            // Lost answers, and refusals of the whole request, leave the proposal to be asked again: an earlier asking may have been carried out.
            bool isHeard = error is not (ErrorCode.StaleBrokerEpoch or ErrorCode.NotController) && _random.Next(4) > 0;
            replica.ProposalAnswer = isHeard ? (error, answered) : null;
            Retire();
        }
    }

    private Dictionary<int, long> Registered() => _replicas.Where(r => r is { IsAlive: true, IsExpired: false }).ToDictionary(r => r.Id, r => r.Epoch);

    private void Notice(SimulatedController controller)
    {
        if (controller.Notice(Registered()) && !controller.HasResigned)
        {
            controller.Tell(_replicas);
        }

        controller.Advance(_replicas);
        Retire();
    }

    private void TakeOffice()
    {
        HashSet<int> held = _holds ? [.. _replicas.Where(_ => _random.Next(6) == 0).Select(r => r.Id)] : [];
        var controller = new SimulatedController(_tree, Registered(), held, _broken, line => _story?.Add(line));
        _controllers.Add(controller);
        controller.Tell(_replicas);
    }

    private void Reassign()
    {
        SimulatedController controller = _controllers[_random.Next(_controllers.Count)];
        int[] order = [.. _replicas.Select(r => r.Id).OrderBy(_ => _random.Next())];
        controller.Reassign(_random.Next(4) == 0 ? null : order[.._random.Next(2, 4)], _replicas);
        controller.Advance(_replicas);
        Retire();
    }

    /// <summary>A controller finds that it cannot connect to a broker, which may live, or that it can again.</summary>
    private void Hold(SimulatedReplica replica)
    {
        SimulatedController controller = _controllers[_random.Next(_controllers.Count)];
        bool isHeld = !controller.HeldForDead.Remove(replica.Id) && controller.HeldForDead.Add(replica.Id);
        _story?.Add($"controller of epoch {controller.Epoch} {(isHeld ? "holds" : "does not hold")} {replica.Id} for dead");
        Notice(controller);
    }

    private void Retire() => _controllers.RemoveAll(c => c.HasResigned);

    private void Repair(SimulatedReplica replica)
    {
        if (!replica.IsAlive || replica.IsExpired)
        {
            _story?.Add($"{replica.Id} {(replica.IsAlive ? "rejoins" : "starts")}");
        }

        if (!replica.IsAlive)
        {
            replica.Start();
        }
        else if (replica.IsExpired)
        {
            replica.Rejoin();
        }
    }

    private void Fault(SimulatedReplica replica)
    {
        if (!replica.IsAlive)
        {
            return;
        }

        int die = _random.Next(10);
        if (die == 0 && _replicas.Any(other => other != replica && other is { IsAlive: true, IsExpired: false } && _tree.State.Isr.Contains(other.Id)))
        {
            // The promise is for a minority of the ISR, and as long as the cluster hears of one loss before the next: nobody in sync may be away then.
            _story?.Add($"{replica.Id} loses power");
            replica.LosePower(_random);
            Notice(_controllers[^1]);
        }
        else if (die < 5)
        {
            _story?.Add($"{replica.Id} crashes");
            replica.Crash();
        }
        else
        {
            _story?.Add($"{replica.Id} expires");
            replica.IsExpired = true;
        }
    }

    /// <summary>Looks at what brokers show to consumers since the last look.</summary>
    private string? Look()
    {
        foreach (SimulatedReplica replica in _replicas)
        {
            if (!replica.IsAlive)
            {
                continue;
            }

            long highWatermark = replica.Log.HighWatermark;
            if (highWatermark > replica.Seen)
            {
                foreach ((long offset, string value) in replica.Records(replica.Seen, highWatermark))
                {
                    if (_shown.TryAdd(offset, value) || _shown[offset] == value)
                    {
                        continue;
                    }

                    return $"broker {replica.Id} shows '{value}' at {offset}, where '{_shown[offset]}' was shown before";
                }
            }

            replica.Seen = highWatermark;
        }

        foreach (int member in _tree.State.Isr)
        {
            SimulatedReplica replica = _replicas[member - 1];
            if (replica.IsAlive && replica.Log.LogEndOffset < _shown.Count)
            {
                return $"broker {member} is in the ISR and ends at {replica.Log.LogEndOffset}, though {_shown.Count} records have been shown";
            }
        }

        return null;
    }

    /// <summary>A producer is told when its leader, still in the same epoch, sees the high watermark pass.</summary>
    private void Acknowledge()
    {
        List<(SimulatedCoordinator Coordinator, long Offset)> acknowledged = [];
        for (int i = _pending.Count - 1; i >= 0; i--)
        {
            (SimulatedReplica leader, int term, long offset, string value) = _pending[i];
            if (!leader.Leads || leader.Term != term)
            {
                _pending.RemoveAt(i);
            }
            else if (_broken == BrokenRule.AcknowledgedAtOnce || (leader.Log.HighWatermark > offset && leader.Partition!.Role!.Isr.Length >= MinIsr))
            {
                _story?.Add($"{value} at {offset} is acknowledged by {leader.Id}, high watermark {leader.Log.HighWatermark}, ISR [{string.Join(',', leader.Partition!.Role!.Isr)}]");
                _acknowledged[offset] = (value, leader.Partition!.LeaderEpoch);
                _pending.RemoveAt(i);
                if (leader.Coordinator is { } coordinator)
                {
                    acknowledged.Add((coordinator, offset));
                }
            }
        }

        acknowledged.ForEach(a => a.Coordinator.OnAcknowledged(a.Offset));
    }

    /// <summary>Faults end: all become equal, and have all that was acknowledged.</summary>
    private string? Heal()
    {
        _controllers.ForEach(controller => controller.HeldForDead.Clear());
        for (int round = 0; round < 400; round++)
        {
            foreach (SimulatedReplica replica in _replicas)
            {
                Repair(replica);
                Notice(_controllers[^1]);
                if ((TakeRole(replica) ?? Look()) is { } violation)
                {
                    return violation;
                }

                Fetch(replica);
                Serve(replica);
                Deliver(replica);
                ChangeIsr(replica);
            }
        }

        Dictionary<long, string>[] logs = [.. _tree.State.Replicas.Select(r => _replicas[r - 1].Records())];
        if (_tree.State.IsReassigning || _tree.State.Isr.Length < _tree.State.Replicas.Length || !Array.TrueForAll(logs, log => log.Count == logs[0].Count && log.All(r => logs[0].GetValueOrDefault(r.Key) == r.Value)))
        {
            return $"after the faults: replicas [{string.Join(", ", _tree.State.Replicas)}] +[{string.Join(", ", _tree.State.Adding)}] -[{string.Join(", ", _tree.State.Removing)}], ISR [{string.Join(", ", _tree.State.Isr)}], leader {_tree.State.Leader}, {string.Join(", ", logs.Select(l => l.Count))} records";
        }

        if (!_acknowledged.All(a => logs[0].GetValueOrDefault(a.Key) == a.Value.Value))
        {
            return "an acknowledged record is gone at the end";
        }

        return _replicas[_tree.State.Leader - 1].Coordinator is { IsLoaded: true, MayWriteMarkers: false } stuck
            ? $"after the faults: the coordinator of epoch {stuck.LeaderEpoch} carries out nothing in epoch {_tree.State.LeaderEpoch}, though all replicas have what it loaded"
            : null;
    }
}
