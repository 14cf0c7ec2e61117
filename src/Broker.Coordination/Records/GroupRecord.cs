namespace Broker.Coordination;

/// <summary>A record of __consumer_offsets in the coordinator's words; the codec knows its bytes.</summary>
internal abstract record GroupRecord(string Group);

/// <summary>A committed offset, or its tombstone when <paramref name="Value"/> is null.</summary>
internal sealed record OffsetRecord(string Group, TopicPartition Partition, CommittedOffset? Value) : GroupRecord(Group);

/// <summary>A group's generation with its members, or its tombstone when <paramref name="Value"/> is null.</summary>
internal sealed record GroupMetadataRecord(string Group, GroupSnapshot? Value) : GroupRecord(Group);

/// <summary>What is kept of a generation.</summary>
internal sealed record GroupSnapshot(
    string ProtocolType, int Generation, string? ProtocolName, string? Leader, long StateTimestampMs, IReadOnlyList<MemberSnapshot> Members);

internal sealed record MemberSnapshot(
    string MemberId, string? InstanceId, string ClientId, string ClientHost, int RebalanceTimeoutMs, int SessionTimeoutMs, byte[] Subscription, byte[] Assignment);
