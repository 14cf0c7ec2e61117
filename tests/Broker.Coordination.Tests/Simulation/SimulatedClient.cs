using System.Globalization;
using Broker.Protocol;

namespace Broker.Coordination.Tests.Simulation;

/// <summary>A consumer as the coordinator sees it: it follows the protocol when it behaves, and forgets, repeats or lies when it does not.</summary>
internal sealed class SimulatedClient
{
    private readonly Random _random;
    private readonly int _number;
    private readonly bool _v4;
    private readonly bool _v9;
    private readonly string? _instanceId;
    private string _protocols;
    private Call<JoinResult>? _join;
    private JoinResult? _joined;

    public SimulatedClient(int number, string groupId, Random random)
    {
        _number = number;
        _random = random;
        GroupId = groupId;
        _v4 = random.Next(4) > 0;
        _v9 = random.Next(2) == 0;
        _instanceId = random.Next(3) == 0 ? string.Create(CultureInfo.InvariantCulture, $"i{number}") : null;
        _protocols = NewProtocols();
    }

    public string GroupId { get; }

    public string MemberId { get; private set; } = "";

    public int Generation => _joined?.Generation ?? -1;

    public bool IsStable { get; private set; }

    public Call<SyncResult>? SyncCall { get; private set; }

    public override string ToString() => $"client {_number}";

    /// <summary>"base" is common to all, so that the clients of a group can always agree.</summary>
    private string NewProtocols() => _random.Next(3) switch
    {
        0 => $"base=t{_random.Next(3)}",
        1 => $"extra=t{_random.Next(3)},base=t{_random.Next(3)}",
        _ => $"base=t{_random.Next(3)},extra=t{_random.Next(3)}",
    };

    public void Act(ShardDriver driver, GroupSimulation simulation)
    {
        if (_random.Next(4) == 0 && IsStable)
        {
            simulation.Track(driver.Commit(simulation.AnyTopic(), simulation.NextOffset(), MemberId, Generation, _instanceId, GroupId));
        }
        else
        {
            Behave(driver, simulation);
        }
    }

    /// <summary>One turn of a client that follows the protocol.</summary>
    public void Behave(ShardDriver driver, GroupSimulation simulation)
    {
        TakeAnswers();
        if (_join is not null || SyncCall is not null)
        {
            return;
        }
        if (_joined is null)
        {
            _join = simulation.Track(driver.Join(MemberId, _instanceId, $"c{_number}", protocols: _protocols, rebalanceTimeoutMs: 30_000, group: GroupId, v4: _v4, v9: _v9));
            TakeAnswers();
        }
        else if (!IsStable)
        {
            (string, string)[] assignments = [];
            if (_joined.Leader == MemberId && !_joined.SkipAssignment)
            {
                assignments = [.. _joined.Members.Select(member => (member.MemberId, string.Create(CultureInfo.InvariantCulture, $"{Generation}:{member.MemberId}")))];
            }
            SyncCall = simulation.Track(driver.Sync(MemberId, Generation, _instanceId, "consumer", _joined.ProtocolName, GroupId, assignments));
        }
        else
        {
            Take(driver.Heartbeat(MemberId, Generation, _instanceId, GroupId));
        }
    }

    private void TakeAnswers()
    {
        if (_join is { Result: { } join })
        {
            _join = null;
            IsStable = false;
            _joined = join.Error == ErrorCode.None ? join : null;
            if (join.Error is ErrorCode.None or ErrorCode.MemberIdRequired)
            {
                MemberId = join.MemberId;
            }
            else
            {
                Take(join.Error);
            }
        }
        if (SyncCall is { Result: { } sync })
        {
            SyncCall = null;
            IsStable = sync.Error == ErrorCode.None;
            Take(sync.Error);
        }
    }

    private void Take(ErrorCode error)
    {
        switch (error)
        {
            case ErrorCode.None:
                break;
            case ErrorCode.UnknownMemberId or ErrorCode.FencedInstanceId or ErrorCode.IllegalGeneration or ErrorCode.GroupMaxSizeReached:
                Restart();
                break;
            case ErrorCode.InconsistentGroupProtocol:
                // After a failover the coordinator knows of each member only the protocol that was chosen: a client without it stays outside.
                _protocols = "base=t0,extra=t0";
                Restart();
                break;
            default:
                IsStable = false;
                _joined = null;
                break;
        }
    }

    private void Restart()
    {
        MemberId = "";
        IsStable = false;
        _joined = null;
        _join = null;
        SyncCall = null;
    }

    public void Misbehave(ShardDriver driver, GroupSimulation simulation)
    {
        TakeAnswers();
        switch (_random.Next(8))
        {
            case 0:
                driver.Leave(MemberId, _instanceId, group: GroupId);
                Restart();
                break;
            case 1:
                Restart();
                break;
            case 2:
                // New metadata, sent even if a request is still out.
                _protocols = NewProtocols();
                _join = simulation.Track(driver.Join(MemberId, _instanceId, $"c{_number}", protocols: _protocols, group: GroupId, v4: _v4, v9: _v9));
                break;
            case 3:
                simulation.Track(driver.Sync(MemberId, Generation - _random.Next(2), group: GroupId));
                break;
            case 4:
                simulation.Track(driver.Commit(simulation.AnyTopic(), simulation.NextOffset(), MemberId, Generation - _random.Next(2), group: GroupId));
                break;
            case 5:
                simulation.Track(driver.Join("made-up", _instanceId, protocols: _protocols, group: GroupId));
                break;
            case 6:
                simulation.Track(driver.Join(MemberId, "i99", protocols: "none", group: GroupId));
                break;
            default:
                driver.Heartbeat(MemberId, _random.Next(5), group: GroupId);
                break;
        }
    }
}
