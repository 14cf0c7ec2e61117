namespace Broker.Coordination.Tests.Transactions;

/// <summary>A mistake that the simulation makes on purpose, to show that it would be found.</summary>
internal enum BrokenTransactionRule
{
    None,

    /// <summary>A request counts as one of the current producer whatever its epoch.</summary>
    EpochIsIgnored,

    /// <summary>Markers leave while the decision is still being written.</summary>
    MarkersLeaveEarly,

    /// <summary>A group that is loaded knows nothing of offsets whose transaction is open.</summary>
    PendingOffsetsAreLost,
}
