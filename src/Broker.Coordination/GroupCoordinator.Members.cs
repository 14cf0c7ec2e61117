using Broker.Protocol.Messages;

namespace Broker.Coordination;

/// <content>JoinGroup, SyncGroup, Heartbeat and LeaveGroup.</content>
public sealed partial class GroupCoordinator
{
    private const short JoinRequiresKnownMember = 4;
    private const short JoinHasNullableProtocol = 7;
    private const short JoinHasSkipAssignment = 9;
    private const short LeaveHasMembers = 3;

    /// <summary>Versions 0 to 9. Waits for the generation to begin.</summary>
    public async ValueTask<JoinGroupResponse> JoinGroupAsync(JoinGroupRequest request, CallerInfo caller)
    {
        JoinInput join = Translate(request, caller);
        var call = new Call<JoinResult>();
        ValueTask<JoinResult> answer = default;
        ErrorCode error = TryStep(request.GroupId, isEmptyAllowed: false, (shard, now, effects) =>
        {
            shard.Join(request.GroupId, join, call, now, effects);
            answer = call.WaitAsync();
        });
        JoinResult result = error == ErrorCode.None ? await answer.ConfigureAwait(false) : JoinResult.Failed(error, request.MemberId);
        return Translate(result, caller.ApiVersion);
    }

    private static JoinInput Translate(JoinGroupRequest request, CallerInfo caller)
    {
        var protocols = new List<JoinProtocol>(Math.Min(request.Protocols.Count, 16));
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (JoinGroupRequest.JoinGroupRequestProtocol protocol in request.Protocols)
        {
            if (names.Add(protocol.Name))
            {
                protocols.Add(new JoinProtocol(protocol.Name, protocol.Metadata));
            }
        }
        return new JoinInput
        {
            MemberId = request.MemberId,
            InstanceId = request.GroupInstanceId,
            ClientId = caller.ClientId,
            ClientHost = caller.ClientHost,
            SessionTimeoutMs = request.SessionTimeoutMs,
            RebalanceTimeoutMs = caller.ApiVersion == 0 ? request.SessionTimeoutMs : request.RebalanceTimeoutMs,
            ProtocolType = request.ProtocolType,
            Protocols = [.. protocols],
            Reason = request.Reason,
            RequireKnownMemberId = caller.ApiVersion >= JoinRequiresKnownMember,
            SupportsSkipAssignment = caller.ApiVersion >= JoinHasSkipAssignment,
        };
    }

    private static JoinGroupResponse Translate(JoinResult result, short version)
    {
        var members = new JoinGroupResponse.JoinGroupResponseMember[result.Members.Length];
        for (int i = 0; i < members.Length; i++)
        {
            JoinedMember member = result.Members[i];
            members[i] = new JoinGroupResponse.JoinGroupResponseMember { MemberId = member.MemberId, GroupInstanceId = member.InstanceId, Metadata = member.Metadata };
        }
        return new JoinGroupResponse
        {
            ErrorCode = result.Error,
            GenerationId = result.Generation,
            ProtocolType = result.ProtocolType,
            ProtocolName = result.ProtocolName ?? (version >= JoinHasNullableProtocol ? null : ""),
            Leader = result.Leader,
            SkipAssignment = result.SkipAssignment,
            MemberId = result.MemberId,
            Members = members,
        };
    }

    /// <summary>Versions 0 to 5. Waits for the leader's assignment.</summary>
    public async ValueTask<SyncGroupResponse> SyncGroupAsync(SyncGroupRequest request, CallerInfo caller)
    {
        var assignments = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (SyncGroupRequest.SyncGroupRequestAssignment assignment in request.Assignments)
        {
            assignments[assignment.MemberId] = assignment.Assignment;
        }
        var sync = new SyncInput
        {
            MemberId = request.MemberId,
            Generation = request.GenerationId,
            InstanceId = request.GroupInstanceId,
            ProtocolType = request.ProtocolType,
            ProtocolName = request.ProtocolName,
            Assignments = assignments,
        };
        var call = new Call<SyncResult>();
        ValueTask<SyncResult> answer = default;
        ErrorCode error = TryStep(request.GroupId, isEmptyAllowed: false, (shard, now, effects) =>
        {
            shard.Sync(request.GroupId, sync, call, now, effects);
            answer = call.WaitAsync();
        });
        if (error == ErrorCode.CoordinatorLoadInProgress)
        {
            // A rebalance under way does not survive a move of the coordinator, and old clients do not know that error here: they shall join again.
            error = ErrorCode.RebalanceInProgress;
        }
        SyncResult result = error == ErrorCode.None ? await answer.ConfigureAwait(false) : SyncResult.Failed(error);
        return new SyncGroupResponse
        {
            ErrorCode = result.Error,
            ProtocolType = result.ProtocolType,
            ProtocolName = result.ProtocolName,
            Assignment = result.Assignment,
        };
    }

    /// <summary>Versions 0 to 4. Always answers at once.</summary>
    public HeartbeatResponse Heartbeat(HeartbeatRequest request)
    {
        ErrorCode error = TryRoute(request.GroupId, isEmptyAllowed: false, out CoordinatorPartition<GroupShard>? partition);
        if (error == ErrorCode.None)
        {
            error = partition!.Touch(request, static (shard, r, now) => shard.Heartbeat(r.GroupId, r.MemberId, r.GroupInstanceId, r.GenerationId, now));
        }

        // While the groups are loading nobody's session runs.
        return new HeartbeatResponse { ErrorCode = error == ErrorCode.CoordinatorLoadInProgress ? ErrorCode.None : error };
    }

    /// <summary>Versions 0 to 5; from version 3 on for several members. Always answers at once.</summary>
    public LeaveGroupResponse LeaveGroup(LeaveGroupRequest request, CallerInfo caller)
    {
        List<LeavingMember> leaving = [];
        if (caller.ApiVersion < LeaveHasMembers)
        {
            leaving.Add(new LeavingMember(request.MemberId, null, null));
        }
        else
        {
            foreach (LeaveGroupRequest.MemberIdentity member in request.Members)
            {
                leaving.Add(new LeavingMember(member.MemberId, member.GroupInstanceId, member.Reason));
            }
        }
        var errors = new ErrorCode[leaving.Count];
        ErrorCode error = ErrorCode.None;
        ErrorCode refused = TryStep(request.GroupId, isEmptyAllowed: false, (shard, now, effects) => error = shard.Leave(request.GroupId, leaving, errors, now, effects));
        error = refused == ErrorCode.None ? error : refused;
        if (error != ErrorCode.None)
        {
            return new LeaveGroupResponse { ErrorCode = error };
        }
        if (caller.ApiVersion < LeaveHasMembers)
        {
            return new LeaveGroupResponse { ErrorCode = errors[0] };
        }
        var members = new LeaveGroupResponse.MemberResponse[errors.Length];
        for (int i = 0; i < members.Length; i++)
        {
            members[i] = new LeaveGroupResponse.MemberResponse { MemberId = leaving[i].MemberId, GroupInstanceId = leaving[i].InstanceId, ErrorCode = errors[i] };
        }
        return new LeaveGroupResponse { Members = members };
    }
}
