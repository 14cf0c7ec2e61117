namespace Broker.Coordination;

/// <summary>
/// One classic consumer group: members, generation, rebalance and offsets. A pure state machine: every input comes with its moment, everything to be
/// done leaves through <see cref="Effects"/>; no clock, no I/O, no lock. Lives from the first join, commit or replayed record until its tombstone is
/// in the log. Single-owner: only its <see cref="GroupShard"/> calls it.
/// </summary>
internal sealed partial class Group
{
    // Insertion order is kept: the first member becomes leader and ties in the vote go to the protocol voted for first, so that replays decide alike.
    private readonly OrderedDictionary<string, GroupMember> _members = [];
    private readonly Dictionary<string, string> _staticMembers = [];
    private readonly Dictionary<string, int> _supporters = [];
    private readonly Dictionary<string, long> _pendingMembers = [];

    // By instance id: static members that returned while the generation stood, and what the newest record still says of them.
    private readonly Dictionary<string, MemberOnRecord> _returning = [];
    private int _returnsOnTheirWay;
    private readonly GroupSettings _settings;
    private readonly IMemberIds _ids;
    private int _awaitingJoin;
    private HashSet<string>? _subscribedTopics;

    public Group(string id, GroupSettings settings, IMemberIds ids)
    {
        Id = id;
        _settings = settings;
        _ids = ids;
    }

    public string Id { get; }

    public GroupState State { get; private set; }

    public int Generation { get; private set; }

    /// <summary>Free text of the clients ("consumer", "connect", "sr"); null for a group that only stores offsets.</summary>
    public string? ProtocolType { get; private set; }

    public string? ProtocolName { get; private set; }

    public string? LeaderId { get; private set; }

    /// <summary>Wall-clock time of the last change of state; -1 when the log did not tell (records of Kafka before 2.1).</summary>
    public long StateTimestampMs { get; private set; } = -1;

    public GroupOffsets Offsets { get; } = new();

    public RebalanceHistory Rebalances { get; } = new();

    public IReadOnlyCollection<GroupMember> Members => _members.Values;

    public IReadOnlyCollection<string> PendingMemberIds => _pendingMembers.Keys;

    /// <summary>Topics the consumers subscribe to; null when that is unknown (not consumers, unreadable metadata): then every topic counts as subscribed.</summary>
    public IReadOnlySet<string>? SubscribedTopics => _subscribedTopics;

    public bool IsConsumerGroup => ProtocolType == ConsumerSubscription.ProtocolType;

    /// <summary>Nothing left to keep: no members, no ids handed out, no offsets.</summary>
    public bool IsVacant => State == GroupState.Empty && _pendingMembers.Count == 0 && Offsets.IsEmpty;

    /// <summary>Member ids of the static members, by group.instance.id.</summary>
    public IReadOnlyDictionary<string, string> StaticMembers => _staticMembers;

    /// <summary>Members whose JoinGroup is parked.</summary>
    public int AwaitingJoin => _awaitingJoin;

    public GroupMember? FindMember(string memberId) => _members.GetValueOrDefault(memberId);

    public bool IsSubscribedTo(string topic) => _subscribedTopics is null || _subscribedTopics.Contains(topic);

    /// <summary>Deletion has begun: requests are refused until the tombstones are written, or <see cref="Revive"/> undoes it.</summary>
    public void Kill() => State = GroupState.Dead;

    public void Revive() => State = GroupState.Empty;

    private bool IsLeader(GroupMember member) => member.Id == LeaderId;

    private void TransitionTo(GroupState state, Moment now)
    {
        State = state;
        StateTimestampMs = now.UnixMs;
    }

    private void AddMember(GroupMember member)
    {
        if (member.InstanceId is not null)
        {
            _staticMembers.Add(member.InstanceId, member.Id);
        }
        LeaderId ??= member.Id;
        _members.Add(member.Id, member);
        CountProtocols(member.Protocols, 1);
        if (member.Joining is not null)
        {
            _awaitingJoin++;
        }
        _pendingMembers.Remove(member.Id);
    }

    /// <summary>Takes the member out and answers whatever it still waits for.</summary>
    private void RemoveMember(GroupMember member, Effects effects)
    {
        AnswerJoin(member, JoinResult.Failed(ErrorCode.UnknownMemberId, ""), effects);
        AnswerSync(member, SyncResult.Failed(ErrorCode.UnknownMemberId), effects);
        _members.Remove(member.Id);
        CountProtocols(member.Protocols, -1);
        if (member.InstanceId is not null)
        {
            _staticMembers.Remove(member.InstanceId);
        }
        if (IsLeader(member))
        {
            LeaderId = _members.Count > 0 ? _members.GetAt(0).Key : null;
        }
        MarkSynced(member.Id);
    }

    /// <summary>A static member comes back with a new id: it keeps its place, its assignment and the leadership; whoever still uses the old id is fenced.</summary>
    private void ReplaceMemberId(GroupMember member, string newId, Effects effects)
    {
        string oldId = member.Id;
        AnswerJoin(member, JoinResult.Failed(ErrorCode.FencedInstanceId, oldId), effects);
        AnswerSync(member, SyncResult.Failed(ErrorCode.FencedInstanceId), effects);
        int place = _members.IndexOf(oldId);
        _members.RemoveAt(place);
        if (LeaderId == oldId)
        {
            LeaderId = newId;
        }
        if (_pendingSync.Remove(oldId))
        {
            _pendingSync.Add(newId);
        }
        member.Id = newId;
        _members.Insert(place, newId, member);
        _staticMembers[member.InstanceId!] = newId;
    }

    private void UpdateMember(GroupMember member, JoinProtocol[] protocols, int rebalanceTimeoutMs, int sessionTimeoutMs)
    {
        CountProtocols(member.Protocols, -1);
        member.Protocols = protocols;
        CountProtocols(protocols, 1);
        member.RebalanceTimeoutMs = rebalanceTimeoutMs;
        member.SessionTimeoutMs = sessionTimeoutMs;
    }

    private void CountProtocols(JoinProtocol[] protocols, int by)
    {
        foreach (JoinProtocol protocol in protocols)
        {
            int count = _supporters.GetValueOrDefault(protocol.Name) + by;
            if (count == 0)
            {
                _supporters.Remove(protocol.Name);
            }
            else
            {
                _supporters[protocol.Name] = count;
            }
        }
    }

    /// <summary>Can a member with these protocols be part of the group, so that at least one protocol is common to all?</summary>
    private bool Supports(string protocolType, JoinProtocol[] protocols)
    {
        if (State == GroupState.Empty)
        {
            return protocolType.Length > 0 && protocols.Length > 0;
        }
        if (protocolType != ProtocolType)
        {
            return false;
        }
        foreach (JoinProtocol protocol in protocols)
        {
            if (_supporters.GetValueOrDefault(protocol.Name) == _members.Count)
            {
                return true;
            }
        }
        return false;
    }

    /// <summary>Every member votes for the first of its protocols that all support; most votes win.</summary>
    private string? SelectProtocol()
    {
        string? winner = null;
        var votes = new OrderedDictionary<string, int>();
        foreach (GroupMember member in _members.Values)
        {
            foreach (JoinProtocol protocol in member.Protocols)
            {
                if (_supporters[protocol.Name] == _members.Count)
                {
                    votes[protocol.Name] = votes.GetValueOrDefault(protocol.Name) + 1;
                    break;
                }
            }
        }
        foreach ((string protocol, int count) in votes)
        {
            if (winner is null || count > votes[winner])
            {
                winner = protocol;
            }
        }
        return winner;
    }

    /// <summary>The longest time any member asked for.</summary>
    private int RebalanceTimeoutMs()
    {
        int longest = 0;
        foreach (GroupMember member in _members.Values)
        {
            longest = Math.Max(longest, member.RebalanceTimeoutMs);
        }
        return longest;
    }

    /// <summary>A member id, where given, must be known, and must be the one its group.instance.id stands for.</summary>
    private ErrorCode CheckMember(string memberId, string? instanceId)
    {
        if (instanceId is not null)
        {
            if (!_staticMembers.TryGetValue(instanceId, out string? current))
            {
                return ErrorCode.UnknownMemberId;
            }
            if (current != memberId)
            {
                return ErrorCode.FencedInstanceId;
            }
        }
        return _members.ContainsKey(memberId) ? ErrorCode.None : ErrorCode.UnknownMemberId;
    }

    private void AnswerJoin(GroupMember member, JoinResult result, Effects effects)
    {
        if (member.Joining is { } call)
        {
            member.Joining = null;
            _awaitingJoin--;
            effects.Answer(call, result);
        }
    }

    private static bool AnswerSync(GroupMember member, SyncResult result, Effects effects)
    {
        if (member.Syncing is not { } call)
        {
            return false;
        }
        member.Syncing = null;
        effects.Answer(call, result);
        return true;
    }

    /// <summary>Parks the member's JoinGroup. An earlier one of the same member has lost its connection or its patience: it is told to come again.</summary>
    private void ParkJoin(GroupMember member, Call<JoinResult> call, Effects effects)
    {
        AnswerJoin(member, JoinResult.Failed(ErrorCode.RebalanceInProgress, member.Id), effects);
        member.Joining = call;
        _awaitingJoin++;
    }

    private JoinedMember[] JoinedMembers()
    {
        var members = new JoinedMember[_members.Count];
        int i = 0;
        foreach (GroupMember member in _members.Values)
        {
            members[i++] = new JoinedMember(member.Id, member.InstanceId, member.MetadataOf(ProtocolName));
        }
        return members;
    }

    private JoinResult CurrentGeneration(GroupMember member, bool withMembers, string? leader, bool skipAssignment = false) => new()
    {
        Error = ErrorCode.None,
        MemberId = member.Id,
        Generation = Generation,
        ProtocolType = ProtocolType,
        ProtocolName = ProtocolName,
        Leader = leader ?? "",
        SkipAssignment = skipAssignment,
        Members = withMembers ? JoinedMembers() : [],
    };

    private void ComputeSubscribedTopics()
    {
        _subscribedTopics = null;
        if (_members.Count == 0)
        {
            _subscribedTopics = ProtocolType is null ? null : [];
            return;
        }
        if (!IsConsumerGroup || ProtocolName is null)
        {
            return;
        }
        var topics = new HashSet<string>(StringComparer.Ordinal);
        foreach (GroupMember member in _members.Values)
        {
            if (!ConsumerSubscription.TryReadTopics(member.MetadataOf(ProtocolName), topics))
            {
                return;
            }
        }
        _subscribedTopics = topics;
    }
}
