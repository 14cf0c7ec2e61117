namespace Broker.Server.Tests;

/// <summary>A rule that is broken on purpose: the simulation has to find it.</summary>
internal enum BrokenRule
{
    None,
    AnyoneMayLead,
    AcknowledgedAtOnce,
    EpochsAreIgnored,
    JoinsBeforeItCaughtUp,
    TruncatesToHighWatermark,
    StaleControllerMayWrite,
    StaleControllerMayAnswer,
    OldReplicasLeaveFirst,
    AnyWantedReplicaMayLead,
    CoordinatorLoadsToHighWatermark,
    CoordinatorAnswersAtOnce,
    MarkersBeforeTheDecisionIsReplicated,
    DecidesInItsFirstEpochOnly,
    TimedOutCountsAsRefused,
    NewcomersBelieveAnyController,
    AcceptedAgainIsInSync,
    HeldForDeadIsNotFenced,
    HeldForDeadIsGivenUp,
}
