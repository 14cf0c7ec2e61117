namespace Broker.Coordination;

/// <content>The rebalance itself and every deadline of the group.</content>
internal sealed partial class Group
{
    private readonly HashSet<string> _pendingSync = [];
    private long _rebalanceDeadlineMs = Moment.Never;
    private long _syncDeadlineMs = Moment.Never;
    private long _memberDeadlineMs = Moment.Never;
    private bool _isInitialDelay;
    private bool _newMemberAdded;
    private int _initialDelayLeftMs;

    /// <summary>
    /// Monotonic time at which <see cref="Advance"/> has something to do. A lower bound: heartbeats move sessions back without moving it, so that a
    /// heartbeat costs the same in a group of two and of two thousand; <see cref="Advance"/> then finds nothing and computes it anew.
    /// </summary>
    public long NextDeadlineMs => Math.Min(Math.Min(_rebalanceDeadlineMs, _syncDeadlineMs), _memberDeadlineMs);

    /// <summary>Every rebalance begins here, with its reason, which is logged and kept.</summary>
    private void MaybePrepareRebalance(string reason, Moment now, Effects effects)
    {
        if (State is GroupState.PreparingRebalance or GroupState.Dead)
        {
            return;
        }
        reason = RebalanceHistory.OneLine(reason);
        effects.Note(GroupNoteKind.RebalanceStarted, this, reason);
        Rebalances.Add(new RebalanceEntry(now.UnixMs, Generation, reason));
        if (State == GroupState.CompletingRebalance)
        {
            EndSyncs(ErrorCode.RebalanceInProgress, now, effects);
        }
        _assignmentInFlight = false;
        _syncDeadlineMs = Moment.Never;
        _pendingSync.Clear();
        _isInitialDelay = State == GroupState.Empty;
        if (_isInitialDelay)
        {
            // A group that starts with all its members at once should rebalance once, not once per member.
            _newMemberAdded = false;
            _initialDelayLeftMs = Math.Max(RebalanceTimeoutMs() - _settings.InitialRebalanceDelayMs, 0);
            _rebalanceDeadlineMs = now.MonotonicMs + _settings.InitialRebalanceDelayMs;
        }
        else
        {
            _rebalanceDeadlineMs = now.MonotonicMs + RebalanceTimeoutMs();
        }
        TransitionTo(GroupState.PreparingRebalance, now);
        TryCompleteJoin(now, effects);
    }

    private void TryCompleteJoin(Moment now, Effects effects)
    {
        if (State == GroupState.PreparingRebalance && !_isInitialDelay && _awaitingJoin == _members.Count && _pendingMembers.Count == 0)
        {
            CompleteJoin(now, effects);
        }
    }

    private void OnRebalanceDeadline(Moment now, Effects effects)
    {
        if (_isInitialDelay && _newMemberAdded && _initialDelayLeftMs > 0)
        {
            _newMemberAdded = false;
            int delayMs = Math.Min(_settings.InitialRebalanceDelayMs, _initialDelayLeftMs);
            _initialDelayLeftMs -= delayMs;
            _rebalanceDeadlineMs = now.MonotonicMs + delayMs;
            return;
        }
        CompleteJoin(now, effects);
    }

    /// <summary>The next generation: of those who came. Static members that did not come stay in it until their session ends.</summary>
    private void CompleteJoin(Moment now, Effects effects)
    {
        foreach (GroupMember member in AllWhere(static member => member.Joining is null && !member.IsStatic))
        {
            effects.Note(GroupNoteKind.MemberRemoved, this, RebalanceHistory.OneLine($"member {member.Id} did not rejoin within the rebalance timeout"));
            RemoveMember(member, effects);
        }
        _isInitialDelay = false;
        if (_members.Count > 0 && !ElectJoinedLeader())
        {
            // Nobody came, and the static members that are left may still: wait for them or for the end of their sessions.
            _rebalanceDeadlineMs = now.MonotonicMs + Math.Max(RebalanceTimeoutMs(), 1);
            return;
        }
        _rebalanceDeadlineMs = Moment.Never;
        Generation++;
        _pendingSync.Clear();
        if (_members.Count == 0)
        {
            BecomeEmpty(now, effects);
        }
        else
        {
            BeginGeneration(now, effects);
        }
    }

    private bool ElectJoinedLeader()
    {
        if (LeaderId is not null && _members[LeaderId].Joining is not null)
        {
            return true;
        }
        foreach (GroupMember member in _members.Values)
        {
            if (member.Joining is not null)
            {
                LeaderId = member.Id;
                return true;
            }
        }
        return false;
    }

    private void BecomeEmpty(Moment now, Effects effects)
    {
        ProtocolName = null;
        ComputeSubscribedTopics();
        TransitionTo(GroupState.Empty, now);
        effects.Note(GroupNoteKind.BecameEmpty, this, "no members left");
        effects.Append([Snapshot()], (error, _, fx) =>
        {
            if (error != ErrorCode.None)
            {
                fx.Note(GroupNoteKind.AppendFailed, this, $"the empty group could not be written: {error}");
            }
        });
    }

    private void BeginGeneration(Moment now, Effects effects)
    {
        ProtocolName = SelectProtocol();
        ComputeSubscribedTopics();
        TransitionTo(GroupState.CompletingRebalance, now);
        effects.Note(GroupNoteKind.GenerationStarted, this, RebalanceHistory.OneLine($"{_members.Count} members, protocol {ProtocolName}, leader {LeaderId}"));
        foreach (GroupMember member in _members.Values)
        {
            AnswerJoin(member, CurrentGeneration(member, IsLeader(member), LeaderId), effects);
            SetSessionDeadline(member, now.MonotonicMs + member.SessionTimeoutMs);
            member.IsNew = false;
            _pendingSync.Add(member.Id);
        }
        _syncDeadlineMs = now.MonotonicMs + RebalanceTimeoutMs();
    }

    private void MarkSynced(string memberId)
    {
        if (_pendingSync.Remove(memberId) && _pendingSync.Count == 0)
        {
            _syncDeadlineMs = Moment.Never;
        }
    }

    private void OnSyncDeadline(Moment now, Effects effects)
    {
        _syncDeadlineMs = Moment.Never;
        List<GroupMember> late = AllWhere(member => _pendingSync.Contains(member.Id));
        foreach (GroupMember member in late)
        {
            effects.Note(GroupNoteKind.MemberRemoved, this, RebalanceHistory.OneLine($"member {member.Id} sent no SyncGroup within the rebalance timeout"));
            RemoveMember(member, effects);
        }
        if (late.Count > 0)
        {
            MaybePrepareRebalance($"{late.Count} members sent no SyncGroup within the rebalance timeout, the first is {late[0].Id}", now, effects);
        }
    }

    /// <summary>Does what has become due.</summary>
    public void Advance(Moment now, Effects effects)
    {
        if (_memberDeadlineMs <= now.MonotonicMs)
        {
            ExpireMembers(now, effects);
        }
        if (_syncDeadlineMs <= now.MonotonicMs)
        {
            OnSyncDeadline(now, effects);
        }
        if (_rebalanceDeadlineMs <= now.MonotonicMs && State == GroupState.PreparingRebalance)
        {
            OnRebalanceDeadline(now, effects);
        }
    }

    private void ExpireMembers(Moment now, Effects effects)
    {
        foreach ((string memberId, long deadlineMs) in _pendingMembers)
        {
            if (deadlineMs <= now.MonotonicMs)
            {
                _pendingMembers.Remove(memberId);
            }
        }
        TryCompleteJoin(now, effects);
        foreach (GroupMember member in AllWhere(member => member.SessionDeadlineMs <= now.MonotonicMs))
        {
            if (member.SessionDeadlineMs > now.MonotonicMs)
            {
                // The removal of another one before it has completed the rebalance, which began its session anew.
                continue;
            }
            if (!member.IsNew && (member.Joining is not null || member.Syncing is not null))
            {
                member.SessionDeadlineMs = Moment.Never;
            }
            else if (_members.ContainsKey(member.Id))
            {
                string why = member.IsNew ? "waited too long in its first JoinGroup" : $"sent no heartbeat for {member.SessionTimeoutMs} ms";
                RemoveAndRebalance(member, $"member {member.Id} {why}", now, effects);
            }
        }
        RecomputeMemberDeadline();
    }

    private void RecomputeMemberDeadline()
    {
        long earliest = Moment.Never;
        foreach (long deadlineMs in _pendingMembers.Values)
        {
            earliest = Math.Min(earliest, deadlineMs);
        }
        foreach (GroupMember member in _members.Values)
        {
            earliest = Math.Min(earliest, member.SessionDeadlineMs);
        }
        _memberDeadlineMs = earliest;
    }

    private void SetSessionDeadline(GroupMember member, long deadlineMs)
    {
        member.SessionDeadlineMs = deadlineMs;
        _memberDeadlineMs = Math.Min(_memberDeadlineMs, deadlineMs);
    }

    private void SetPendingDeadline(string memberId, long deadlineMs)
    {
        _pendingMembers[memberId] = deadlineMs;
        _memberDeadlineMs = Math.Min(_memberDeadlineMs, deadlineMs);
    }

    private List<GroupMember> AllWhere(Predicate<GroupMember> condition)
    {
        List<GroupMember> found = [];
        foreach (GroupMember member in _members.Values)
        {
            if (condition(member))
            {
                found.Add(member);
            }
        }
        return found;
    }

    /// <summary>The partition moved away: whoever waits is sent to look for the new coordinator.</summary>
    public void Abandon(ErrorCode error, Effects effects)
    {
        State = GroupState.Dead;
        foreach (GroupMember member in _members.Values)
        {
            AnswerJoin(member, JoinResult.Failed(error, member.Id), effects);
            AnswerSync(member, SyncResult.Failed(error), effects);
        }
    }
}
