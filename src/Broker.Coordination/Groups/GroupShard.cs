using System.Diagnostics.CodeAnalysis;

namespace Broker.Coordination;

/// <summary>
/// All groups of one partition of __consumer_offsets. Pure, as <see cref="Group"/>: finds or makes the group an input is for, keeps the order of deadlines
/// and takes away groups that hold nothing any more. Single-owner.
/// </summary>
internal sealed partial class GroupShard : ICoordinatorShard
{
    private readonly Dictionary<string, Group> _groups = [];
    private readonly PriorityQueue<Group, long> _deadlines = new();
    private readonly Dictionary<Group, long> _queued = [];
    private readonly GroupSettings _settings;
    private readonly IMemberIds _ids;

    public GroupShard(GroupSettings settings, IMemberIds ids)
    {
        _settings = settings;
        _ids = ids;
    }

    public IReadOnlyCollection<Group> Groups => _groups.Values;

    /// <summary>Monotonic time at which <see cref="Advance"/> has something to do.</summary>
    public long NextDeadlineMs => _deadlines.TryPeek(out _, out long deadlineMs) ? deadlineMs : Moment.Never;

    public bool TryFind(string groupId, [MaybeNullWhen(false)] out Group group) => _groups.TryGetValue(groupId, out group);

    public Group GetOrCreate(string groupId)
    {
        if (!_groups.TryGetValue(groupId, out Group? group))
        {
            group = new Group(groupId, _settings, _ids);
            _groups.Add(groupId, group);
        }
        return group;
    }

    public void Join(string groupId, JoinInput join, Call<JoinResult> call, Moment now, Effects effects)
    {
        if (join.SessionTimeoutMs < _settings.MinSessionTimeoutMs || join.SessionTimeoutMs > _settings.MaxSessionTimeoutMs)
        {
            effects.Answer(call, JoinResult.Failed(ErrorCode.InvalidSessionTimeout, join.MemberId));
            return;
        }
        if (!_groups.ContainsKey(groupId) && join.MemberId.Length > 0)
        {
            effects.Answer(call, JoinResult.Failed(ErrorCode.UnknownMemberId, join.MemberId));
            return;
        }
        Group group = GetOrCreate(groupId);
        group.Join(join, call, now, effects);
        Settle(group, now, effects);
    }

    public void Sync(string groupId, SyncInput sync, Call<SyncResult> call, Moment now, Effects effects)
    {
        if (!_groups.TryGetValue(groupId, out Group? group))
        {
            effects.Answer(call, SyncResult.Failed(ErrorCode.UnknownMemberId));
            return;
        }
        group.Sync(sync, call, now, effects);
        Settle(group, now, effects);
    }

    public ErrorCode Heartbeat(string groupId, string memberId, string? instanceId, int generation, Moment now)
    {
        if (!_groups.TryGetValue(groupId, out Group? group))
        {
            return ErrorCode.UnknownMemberId;
        }
        ErrorCode error = group.Heartbeat(memberId, instanceId, generation, now);
        Schedule(group);
        return error;
    }

    /// <summary>Errors per member, or one for the whole request.</summary>
    public ErrorCode Leave(string groupId, IReadOnlyList<LeavingMember> members, ErrorCode[] errors, Moment now, Effects effects)
    {
        if (!_groups.TryGetValue(groupId, out Group? group))
        {
            Array.Fill(errors, ErrorCode.UnknownMemberId);
            return ErrorCode.None;
        }
        if (group.State == GroupState.Dead)
        {
            return ErrorCode.CoordinatorNotAvailable;
        }
        for (int i = 0; i < members.Count; i++)
        {
            errors[i] = group.Leave(members[i], now, effects);
        }
        Settle(group, now, effects);
        return ErrorCode.None;
    }

    public void Commit(string groupId, CommitInput commit, Call<CommitResult> call, Moment now, Effects effects)
    {
        if (!_groups.ContainsKey(groupId) && commit.Generation >= 0)
        {
            effects.Answer(call, CommitResult.All(ErrorCode.IllegalGeneration, commit.Entries.Length));
            return;
        }
        Group group = GetOrCreate(groupId);
        if (commit.Producer is { } producer)
        {
            Join(producer.ProducerId, groupId);
        }
        group.Commit(commit, call, now, effects);
        Settle(group, now, effects);
    }

    /// <summary>Does what has become due in any group.</summary>
    public void Advance(Moment now, Effects effects)
    {
        while (_deadlines.TryPeek(out Group? group, out long deadlineMs) && deadlineMs <= now.MonotonicMs)
        {
            _deadlines.Dequeue();
            if (_queued.TryGetValue(group, out long queuedMs) && queuedMs == deadlineMs)
            {
                _queued.Remove(group);
                group.Advance(now, effects);
                Settle(group, now, effects);
            }
        }
    }

    /// <summary>Loading is over: the groups begin to live.</summary>
    public void OnLoaded(Moment now, Effects effects)
    {
        foreach (Group group in _groups.Values.ToArray())
        {
            group.OnLoaded(now, effects);
            Settle(group, now, effects);
        }
    }

    /// <summary>The partition is no longer ours: everybody who waits is answered.</summary>
    public void Abandon(ErrorCode error, Effects effects)
    {
        foreach (Group group in _groups.Values)
        {
            group.Abandon(error, effects);
        }
        _deadlines.Clear();
        _queued.Clear();
    }

    /// <summary>
    /// After every step on a group: what is due at once (a rebalance delay of 0) happens at once, the next deadline is queued, and a group that was only
    /// made for a request that came to nothing goes without a trace.
    /// </summary>
    private void Settle(Group group, Moment now, Effects effects)
    {
        if (group.NextDeadlineMs <= now.MonotonicMs)
        {
            group.Advance(now, effects);
        }
        if (group.IsVacant && group.Generation == 0 && _groups.Remove(group.Id))
        {
            _queued.Remove(group);
            return;
        }
        Schedule(group);
    }

    /// <summary>The queue may hold older entries of the group: only the one noted in <c>_queued</c> counts, the others are skipped when they come up.</summary>
    private void Schedule(Group group)
    {
        long deadlineMs = group.NextDeadlineMs;
        if (deadlineMs == Moment.Never || group.State == GroupState.Dead)
        {
            return;
        }
        if (!_queued.TryGetValue(group, out long queuedMs) || deadlineMs < queuedMs)
        {
            _queued[group] = deadlineMs;
            _deadlines.Enqueue(group, deadlineMs);
        }
    }
}
