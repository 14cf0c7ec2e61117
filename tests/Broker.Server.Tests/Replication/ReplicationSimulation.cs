using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Records;
using Broker.Storage;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Server.Tests;

/// <summary>A rule that is broken on purpose: the simulation has to find it.</summary>
internal enum BrokenRule
{
    None,
    AnyoneMayLead,
    AcknowledgedAtOnce,
    EpochsAreIgnored,
    JoinsBeforeItCaughtUp,
}

/// <summary>
/// One partition on three brokers and a controller in one thread, on virtual time: messages are late, lost and answered twice, brokers crash, come back, and lose their session
/// without knowing. After every step: whoever begins to lead has every acknowledged record where it was acknowledged.
/// </summary>
internal sealed class ReplicationSimulation : IDisposable
{
    private const int MaxLagMs = 5000;
    private const int MinIsr = 2;

    private readonly Random _random;
    private readonly BrokenRule _broken;
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UnixEpoch.AddYears(50));
    private readonly SimulatedReplica[] _replicas;
    private readonly Dictionary<int, long> _registered = [];
    private readonly Dictionary<long, string> _acknowledged = [];
    private readonly List<(SimulatedReplica Leader, int LeaderEpoch, long Offset, string Value)> _pending = [];
    private PartitionImage _state;
    private int _appended;

    public ReplicationSimulation(int seed, BrokenRule broken)
    {
        _random = new Random(seed);
        _broken = broken;
        _replicas = [.. Enumerable.Range(1, 3).Select(id => new SimulatedReplica(id, _clock))];
        foreach (SimulatedReplica replica in _replicas)
        {
            _registered[replica.Id] = replica.Epoch;
        }

        _state = new PartitionImage(0, 1, 0, 0, [1, 2, 3], [1, 2, 3], []);
        Tell();
    }

    public int Acknowledged => _acknowledged.Count;

    /// <summary>The story so far, for who looks into a failure.</summary>
    public List<string> Story { get; } = [];

    /// <summary>What went wrong, or null.</summary>
    public string? Run(int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            if (Step(_random.Next(1000)) is { } violation)
            {
                return $"step {i}: {violation}";
            }

            Acknowledge();
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
                Append(replica);
                return null;
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
                Notice();
                return null;
            case < 994:
                Repair(replica);
                return null;
            default:
                Fault(replica);
                return null;
        }
    }

    private void Append(SimulatedReplica replica)
    {
        if (!replica.Leads)
        {
            return;
        }

        var batch = new RecordBatchBuilder(new RecordBatchOptions());
        string value = $"{replica.Id}:{_appended++}";
        batch.Append(_clock.GetUtcNow().ToUnixTimeMilliseconds(), null, System.Text.Encoding.UTF8.GetBytes(value));
        AppendResult result = replica.Partition!.Append(batch.Build(), AppendOrigin.Client, -1);
        if (result.Error == ErrorCode.None)
        {
            Story.Add($"{replica.Id} appends {value} at {result.LastOffset}, epoch {replica.Partition.LeaderEpoch}");
            _pending.Add((replica, replica.Partition.LeaderEpoch, result.LastOffset, value));
        }
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
            Story.Add($"{follower.Id} goes from {before} to {follower.Log.LogEndOffset}, high watermark {follower.Log.HighWatermark}, epoch {follower.Partition!.LeaderEpoch}");
        }
    }

    private string? TakeRole(SimulatedReplica replica)
    {
        if (!replica.IsAlive || !replica.Roles.TryDequeue(out PartitionImage? role))
        {
            return null;
        }

        bool leads = replica.Take(role);
        Story.Add($"{replica.Id} hears of leader {role.Leader} epoch {role.LeaderEpoch} ISR [{string.Join(',', role.Isr)}] v{role.PartitionEpoch}; its log ends at {replica.Log.LogEndOffset}");
        if (!leads)
        {
            return null;
        }

        Dictionary<long, string> records = replica.Records();
        foreach ((long offset, string value) in _acknowledged)
        {
            if (records.GetValueOrDefault(offset) != value)
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
            Story.Add($"{replica.Id} hears {answer.Error}, ISR [{string.Join(',', answer.State.Isr)}] v{answer.State.PartitionEpoch}");
            replica.Partition!.SettleIsr(settled, answer.Error, answer.State.LeaderEpoch, answer.State.Isr, answer.State.PartitionEpoch);
            return;
        }

        replica.Proposal ??= replica.Leads ? replica.Partition!.ProposeIsr(MaxLagMs) : null;
        if (replica.Proposal is { } proposal && _random.Next(4) > 0)
        {
            ErrorCode error = Decide(replica, proposal);

            // Lost answers, and refusals of the whole request, leave the proposal to be asked again: an earlier asking may have been carried out.
            replica.ProposalAnswer = error != ErrorCode.StaleBrokerEpoch && _random.Next(4) > 0 ? (error, _state) : null;
        }
    }

    private ErrorCode Decide(SimulatedReplica replica, IsrProposal proposal)
    {
        if (_registered.GetValueOrDefault(replica.Id) != replica.Epoch)
        {
            return ErrorCode.StaleBrokerEpoch;
        }

        if (proposal.From.LeaderEpoch != _state.LeaderEpoch)
        {
            return ErrorCode.FencedLeaderEpoch;
        }

        if (proposal.From.PartitionEpoch != _state.PartitionEpoch)
        {
            return ErrorCode.InvalidUpdateVersion;
        }

        for (int i = 0; i < proposal.Isr.Length; i++)
        {
            if (!_registered.TryGetValue(proposal.Isr[i], out long epoch) || (proposal.BrokerEpochs[i] >= 0 && proposal.BrokerEpochs[i] != epoch))
            {
                return ErrorCode.IneligibleReplica;
            }
        }

        int[] isr = _broken == BrokenRule.JoinsBeforeItCaughtUp ? [.. _state.Replicas.Where(_registered.ContainsKey)] : proposal.Isr;
        _state = _state with { Isr = isr, PartitionEpoch = _state.PartitionEpoch + 1 };
        Story.Add($"controller: ISR [{string.Join(',', isr)}] v{_state.PartitionEpoch} as {replica.Id} asked");
        return ErrorCode.None;
    }

    /// <summary>The controller hears of registrations that ended and began.</summary>
    private void Notice()
    {
        Dictionary<int, long> now = _replicas.Where(r => r is { IsAlive: true, IsExpired: false }).ToDictionary(r => r.Id, r => r.Epoch);
        int[] gone = [.. _registered.Where(r => now.GetValueOrDefault(r.Key) != r.Value).Select(r => r.Key)];
        bool came = now.Any(n => _registered.GetValueOrDefault(n.Key) != n.Value);
        if (gone.Length == 0 && !came)
        {
            return;
        }

        foreach (int broker in gone)
        {
            _registered.Remove(broker);
        }

        Elect();
        foreach ((int broker, long epoch) in now)
        {
            _registered[broker] = epoch;
        }

        Elect();
        Tell();
    }

    private void Elect()
    {
        (int leader, int[] isr) = _broken == BrokenRule.AnyoneMayLead && _registered.Count > 0
            ? (_registered.Keys.Last(), [.. _registered.Keys])
            : PartitionElection.AfterBrokers(_state.Replicas, _state.Leader, _state.Isr, _registered.ContainsKey, allowsUnclean: false);
        if (leader != _state.Leader || !isr.SequenceEqual(_state.Isr))
        {
            _state = _state with { Leader = leader, Isr = isr, LeaderEpoch = _state.LeaderEpoch + 1, PartitionEpoch = _state.PartitionEpoch + 1 };
            Story.Add($"controller: leader {leader} epoch {_state.LeaderEpoch} ISR [{string.Join(',', isr)}] v{_state.PartitionEpoch}, alive [{string.Join(',', _registered.Keys)}]");
        }
    }

    private void Tell()
    {
        foreach (SimulatedReplica replica in _replicas.Where(r => r.IsAlive && _registered.ContainsKey(r.Id)))
        {
            replica.Roles.Enqueue(_state);
        }
    }

    private void Repair(SimulatedReplica replica)
    {
        if (!replica.IsAlive || replica.IsExpired)
        {
            Story.Add($"{replica.Id} {(replica.IsAlive ? "rejoins" : "starts")}");
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
        bool crashes = _random.Next(2) == 0;
        if (!replica.IsAlive)
        {
            return;
        }

        Story.Add($"{replica.Id} {(crashes ? "crashes" : "expires")}");
        if (crashes)
        {
            replica.Crash();
        }
        else
        {
            replica.IsExpired = true;
        }
    }

    /// <summary>A producer is told when its leader, still in the same epoch, sees the high watermark pass.</summary>
    private void Acknowledge()
    {
        for (int i = _pending.Count - 1; i >= 0; i--)
        {
            (SimulatedReplica leader, int epoch, long offset, string value) = _pending[i];
            if (!leader.Leads || leader.Partition!.LeaderEpoch != epoch)
            {
                _pending.RemoveAt(i);
            }
            else if (_broken == BrokenRule.AcknowledgedAtOnce || (leader.Log.HighWatermark > offset && leader.Partition.Role!.Isr.Length >= MinIsr))
            {
                Story.Add($"{value} at {offset} is acknowledged by {leader.Id}, high watermark {leader.Log.HighWatermark}, ISR [{string.Join(',', leader.Partition!.Role!.Isr)}]");
                _acknowledged[offset] = value;
                _pending.RemoveAt(i);
            }
        }
    }

    /// <summary>Faults end: all become equal, and have all that was acknowledged.</summary>
    private string? Heal()
    {
        for (int round = 0; round < 400; round++)
        {
            foreach (SimulatedReplica replica in _replicas)
            {
                Repair(replica);
                Notice();
                if (TakeRole(replica) is { } violation)
                {
                    return violation;
                }

                Fetch(replica);
                Serve(replica);
                Deliver(replica);
                ChangeIsr(replica);
            }
        }

        Dictionary<long, string>[] logs = [.. _replicas.Select(r => r.Records())];
        if (_state.Isr.Length < 3 || !Array.TrueForAll(logs, log => log.Count == logs[0].Count && log.All(r => logs[0].GetValueOrDefault(r.Key) == r.Value)))
        {
            return $"after the faults: ISR [{string.Join(", ", _state.Isr)}], leader {_state.Leader}, {string.Join(", ", logs.Select(l => l.Count))} records";
        }

        return _acknowledged.All(a => logs[0].GetValueOrDefault(a.Key) == a.Value) ? null : "an acknowledged record is gone at the end";
    }
}
