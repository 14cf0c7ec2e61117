namespace Broker.Coordination;

/// <summary>What a record of a group says of a member, as far as its return changes it.</summary>
internal sealed record MemberOnRecord(int Generation, string Id, JoinProtocol[] Protocols, int RebalanceTimeoutMs, int SessionTimeoutMs)
{
    public static MemberOnRecord Of(GroupMember member, int generation) => new(generation, member.Id, member.Protocols, member.RebalanceTimeoutMs, member.SessionTimeoutMs);
}
