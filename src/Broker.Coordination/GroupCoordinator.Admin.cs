using Broker.Protocol.Messages;

namespace Broker.Coordination;

/// <content>ListGroups, DescribeGroups and DeleteGroups.</content>
public sealed partial class GroupCoordinator
{
    private const string ClassicType = "classic";
    private const short DescribeHasGroupIdNotFound = 6;

    /// <summary>Versions 0 to 5: the groups of this node. While one of its partitions is loading, the list of the others comes with the error.</summary>
    public ListGroupsResponse ListGroups(ListGroupsRequest request)
    {
        if (!_isActive)
        {
            return new ListGroupsResponse { ErrorCode = ErrorCode.CoordinatorNotAvailable };
        }
        HashSet<string> states = new(request.StatesFilter.ToArray(), StringComparer.OrdinalIgnoreCase);
        HashSet<string> types = new(request.TypesFilter.ToArray(), StringComparer.OrdinalIgnoreCase);
        ErrorCode error = ErrorCode.None;
        List<ListGroupsResponse.ListedGroup> groups = [];
        foreach (CoordinatorPartition<GroupShard> partition in _partitions.All)
        {
            if (partition.Read(shard => List(shard, states, types, groups)) == ErrorCode.CoordinatorLoadInProgress)
            {
                error = ErrorCode.CoordinatorLoadInProgress;
            }
        }
        return new ListGroupsResponse { ErrorCode = error, Groups = groups };
    }

    private static void List(GroupShard shard, HashSet<string> states, HashSet<string> types, List<ListGroupsResponse.ListedGroup> groups)
    {
        if (types.Count > 0 && !types.Contains(ClassicType))
        {
            return;
        }
        foreach (Group group in shard.Groups)
        {
            string state = NameOf(group.State);
            if (states.Count == 0 || states.Contains(state))
            {
                groups.Add(new ListGroupsResponse.ListedGroup
                {
                    GroupId = group.Id,
                    ProtocolType = group.ProtocolType ?? "",
                    GroupState = state,
                    GroupType = ClassicType,
                });
            }
        }
    }

    /// <summary>Versions 0 to 6. Authorized operations are the server's to fill in.</summary>
    public DescribeGroupsResponse DescribeGroups(DescribeGroupsRequest request, CallerInfo caller)
    {
        List<DescribeGroupsResponse.DescribedGroup> groups = [];
        foreach (string groupId in request.Groups)
        {
            DescribeGroupsResponse.DescribedGroup described = new() { GroupId = groupId };
            ErrorCode error = TryRoute(groupId, isEmptyAllowed: true, out CoordinatorPartition<GroupShard>? partition);
            if (error == ErrorCode.None)
            {
                error = partition!.Read(shard => described = Describe(shard, groupId, caller.ApiVersion));
            }
            if (error != ErrorCode.None)
            {
                described.ErrorCode = error;
            }
            groups.Add(described);
        }
        return new DescribeGroupsResponse { Groups = groups };
    }

    private static DescribeGroupsResponse.DescribedGroup Describe(GroupShard shard, string groupId, short version)
    {
        if (!shard.TryFind(groupId, out Group? group))
        {
            bool isError = version >= DescribeHasGroupIdNotFound;
            return new DescribeGroupsResponse.DescribedGroup
            {
                GroupId = groupId,
                GroupState = NameOf(GroupState.Dead),
                ErrorCode = isError ? ErrorCode.GroupIdNotFound : ErrorCode.None,
                ErrorMessage = isError ? $"Group {groupId} not found." : null,
            };
        }
        bool isStable = group.State == GroupState.Stable;
        List<DescribeGroupsResponse.DescribedGroupMember> members = new(group.Members.Count);
        foreach (GroupMember member in group.Members)
        {
            members.Add(new DescribeGroupsResponse.DescribedGroupMember
            {
                MemberId = member.Id,
                GroupInstanceId = member.InstanceId,
                ClientId = member.ClientId,
                ClientHost = member.ClientHost,
                MemberMetadata = isStable ? member.MetadataOf(group.ProtocolName) : [],
                MemberAssignment = isStable ? member.Assignment : [],
            });
        }
        return new DescribeGroupsResponse.DescribedGroup
        {
            GroupId = groupId,
            GroupState = NameOf(group.State),
            ProtocolType = group.ProtocolType ?? "",
            ProtocolData = isStable ? group.ProtocolName ?? "" : "",
            Members = members,
        };
    }

    /// <summary>Versions 0 to 2. Waits until the tombstones are in the log.</summary>
    public async ValueTask<DeleteGroupsResponse> DeleteGroupsAsync(DeleteGroupsRequest request)
    {
        List<(string GroupId, ValueTask<Outcome> Answer)> deletions = [];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string groupId in request.GroupsNames)
        {
            if (seen.Add(groupId))
            {
                deletions.Add((groupId, StartDeletion(groupId)));
            }
        }
        List<DeleteGroupsResponse.DeletableGroupResult> results = new(deletions.Count);
        foreach ((string groupId, ValueTask<Outcome> answer) in deletions)
        {
            ErrorCode error = (await answer.ConfigureAwait(false)).Error;
            results.Add(new DeleteGroupsResponse.DeletableGroupResult { GroupId = groupId, ErrorCode = error });
        }
        return new DeleteGroupsResponse { Results = results };
    }

    private ValueTask<Outcome> StartDeletion(string groupId)
    {
        var call = new Call<Outcome>();
        ValueTask<Outcome> answer = default;
        ErrorCode refused = TryStep(groupId, isEmptyAllowed: true, (shard, now, effects) =>
        {
            shard.DeleteGroup(groupId, call, now, effects);
            answer = call.WaitAsync();
        });
        return refused == ErrorCode.None ? answer : ValueTask.FromResult(new Outcome(refused));
    }

    private static string NameOf(GroupState state) => state switch
    {
        GroupState.Empty => "Empty",
        GroupState.PreparingRebalance => "PreparingRebalance",
        GroupState.CompletingRebalance => "CompletingRebalance",
        GroupState.Stable => "Stable",
        _ => "Dead",
    };
}
