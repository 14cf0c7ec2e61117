namespace Broker.Protocol.Tests;

/// <summary>Where the schemas differ from one of the releases on purpose. What differs from one is compared with the other in full.</summary>
internal static class KnownDifferences
{
    private const string ShareIsPreview = "Version 0 was a preview in 3.9, off by default, whose layout 4.x gave up; the ranges are those of 4.3.";
    private const string NoTwoPhaseCommit = "Version 6 belongs to two-phase commit (KIP-939), which 4.3 itself marks as unstable and does not offer.";

    /// <summary>A release, a message and a version of it, and why their fields differ.</summary>
    public static readonly Dictionary<(string Release, string Message, short Version), string> Fields = new()
    {
        [("3.9", "ListConfigResourcesResponse", 0)] = "Key 74 listed client metrics alone and called its array so; the bytes are the same.",
        [("3.9", "OffsetCommitValue", 4)] = "4.3 added a tagged field to the version that 3.9 reads but, with ZooKeeper, never writes.",
        [("3.9", "TransactionLogValue", 1)] = "4.3 added tagged fields to the version that 3.9 reads but, with ZooKeeper, never writes.",
    };

    /// <summary>A message, and why its versions are not the union of both releases'.</summary>
    public static readonly Dictionary<string, string> Versions = new()
    {
        ["InitProducerIdRequest"] = NoTwoPhaseCommit,
        ["InitProducerIdResponse"] = NoTwoPhaseCommit,
        ["ShareGroupHeartbeatRequest"] = ShareIsPreview,
        ["ShareGroupHeartbeatResponse"] = ShareIsPreview,
        ["ShareGroupDescribeRequest"] = ShareIsPreview,
        ["ShareGroupDescribeResponse"] = ShareIsPreview,
        ["ShareFetchRequest"] = ShareIsPreview,
        ["ShareFetchResponse"] = ShareIsPreview,
        ["ShareAcknowledgeRequest"] = ShareIsPreview,
        ["ShareAcknowledgeResponse"] = ShareIsPreview,
        ["GroupMetadataKey"] = "4.x counts each kind of key from 0 and keeps the old version as a record type; on disk the number is still 2, as in 3.9.",
    };
}
