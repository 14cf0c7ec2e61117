namespace Broker.Coordination;

/// <content>SyncGroup, Heartbeat and LeaveGroup.</content>
internal sealed partial class Group
{
    private bool _assignmentInFlight;

    public void Sync(SyncInput sync, Call<SyncResult> call, Moment now, Effects effects)
    {
        ErrorCode error = CheckSync(sync);
        if (error != ErrorCode.None)
        {
            effects.Answer(call, SyncResult.Failed(error));
            return;
        }
        GroupMember member = _members[sync.MemberId];
        MarkSynced(member.Id);
        if (State == GroupState.Stable)
        {
            effects.Answer(call, new SyncResult(ErrorCode.None, ProtocolType, ProtocolName, member.Assignment));
            SetSessionDeadline(member, now.MonotonicMs + member.SessionTimeoutMs);
            return;
        }
        AnswerSync(member, SyncResult.Failed(ErrorCode.RebalanceInProgress), effects);
        member.Syncing = call;
        if (IsLeader(member) && !_assignmentInFlight)
        {
            StoreAssignment(sync.Assignments, effects);
        }
    }

    private ErrorCode CheckSync(SyncInput sync)
    {
        if (State == GroupState.Dead)
        {
            return ErrorCode.CoordinatorNotAvailable;
        }
        ErrorCode error = CheckMember(sync.MemberId, sync.InstanceId);
        if (error != ErrorCode.None)
        {
            return error;
        }
        if (sync.Generation != Generation)
        {
            return ErrorCode.IllegalGeneration;
        }
        if ((sync.ProtocolType is not null && sync.ProtocolType != ProtocolType) || (sync.ProtocolName is not null && sync.ProtocolName != ProtocolName))
        {
            return ErrorCode.InconsistentGroupProtocol;
        }
        return State switch
        {
            GroupState.Empty => ErrorCode.UnknownMemberId,
            GroupState.PreparingRebalance => ErrorCode.RebalanceInProgress,
            _ => ErrorCode.None,
        };
    }

    /// <summary>Nobody hears of an assignment before it is in the log: a coordinator that takes over must know it as well.</summary>
    private void StoreAssignment(Dictionary<string, byte[]> assignments, Effects effects)
    {
        int generation = Generation;
        _assignmentInFlight = true;
        effects.Append([Snapshot(assignments)], (error, now, fx) =>
        {
            if (State != GroupState.CompletingRebalance || generation != Generation)
            {
                // A newer rebalance has overtaken this one and answered its waiters.
                return;
            }
            _assignmentInFlight = false;
            if (error != ErrorCode.None)
            {
                fx.Note(GroupNoteKind.AppendFailed, this, $"the assignment could not be written: {error}");
                EndSyncs(AppendErrors.ForGroup(error), now, fx);
                MaybePrepareRebalance($"the assignment could not be written: {error}", now, fx);
                return;
            }
            foreach (GroupMember member in _members.Values)
            {
                member.Assignment = assignments.GetValueOrDefault(member.Id) ?? [];
            }
            TransitionTo(GroupState.Stable, now);
            EndSyncs(ErrorCode.None, now, fx);
            fx.Note(GroupNoteKind.BecameStable, this, $"{_members.Count} members, protocol {ProtocolName}");
        });
    }

    /// <summary>Answers all who wait for an assignment; their sessions, which waiting kept alive, start anew.</summary>
    private void EndSyncs(ErrorCode error, Moment now, Effects effects)
    {
        foreach (GroupMember member in _members.Values)
        {
            if (error != ErrorCode.None)
            {
                member.Assignment = [];
            }
            SyncResult result = error == ErrorCode.None
                ? new SyncResult(ErrorCode.None, ProtocolType, ProtocolName, member.Assignment)
                : SyncResult.Failed(error);
            if (AnswerSync(member, result, effects))
            {
                SetSessionDeadline(member, now.MonotonicMs + member.SessionTimeoutMs);
            }
        }
    }

    public ErrorCode Heartbeat(string memberId, string? instanceId, int generation, Moment now)
    {
        if (State == GroupState.Dead)
        {
            return ErrorCode.CoordinatorNotAvailable;
        }
        ErrorCode error = CheckMember(memberId, instanceId);
        if (error != ErrorCode.None)
        {
            return error;
        }
        if (generation != Generation)
        {
            return ErrorCode.IllegalGeneration;
        }
        GroupMember member = _members[memberId];
        SetSessionDeadline(member, now.MonotonicMs + member.SessionTimeoutMs);
        return State == GroupState.PreparingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
    }

    /// <summary>One member of a LeaveGroup request. An administrator removes a static member by its instance id alone.</summary>
    public ErrorCode Leave(LeavingMember leaving, Moment now, Effects effects)
    {
        string memberId = leaving.MemberId;
        if (memberId.Length == 0)
        {
            if (leaving.InstanceId is null || !_staticMembers.TryGetValue(leaving.InstanceId, out memberId!))
            {
                return ErrorCode.UnknownMemberId;
            }
        }
        else if (_pendingMembers.Remove(memberId))
        {
            TryCompleteJoin(now, effects);
            return ErrorCode.None;
        }
        ErrorCode error = CheckMember(memberId, leaving.InstanceId);
        if (error == ErrorCode.None)
        {
            RemoveAndRebalance(_members[memberId], $"member {memberId} leaves{ClientReason(leaving.Reason)}", now, effects);
        }
        return error;
    }

    private void RemoveAndRebalance(GroupMember member, string reason, Moment now, Effects effects)
    {
        effects.Note(GroupNoteKind.MemberRemoved, this, RebalanceHistory.OneLine(reason));
        RemoveMember(member, effects);
        MaybePrepareRebalance(reason, now, effects);
        TryCompleteJoin(now, effects);
    }
}
