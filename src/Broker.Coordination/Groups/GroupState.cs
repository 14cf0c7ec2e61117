namespace Broker.Coordination;

/// <summary>States of a classic group. The names go out in ListGroups and DescribeGroups as they stand here.</summary>
internal enum GroupState
{
    /// <summary>No members; the group exists for its offsets or until it is cleaned up.</summary>
    Empty,

    /// <summary>Members are being collected: JoinGroup requests are parked until all are there or the time is over.</summary>
    PreparingRebalance,

    /// <summary>A generation has begun; its members wait in SyncGroup for the leader's assignment.</summary>
    CompletingRebalance,

    /// <summary>The assignment is in the log and every member can have it.</summary>
    Stable,

    /// <summary>Being deleted: its tombstones are on their way to the log.</summary>
    Dead,
}
