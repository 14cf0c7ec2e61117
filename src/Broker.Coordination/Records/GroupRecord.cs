namespace Broker.Coordination;

/// <summary>A record of __consumer_offsets in the coordinator's words; the codec knows its bytes.</summary>
internal abstract record GroupRecord(string Group) : CoordinatorRecord
{
    public sealed override byte[] EncodeKey() => GroupRecordCodec.EncodeKey(this);

    public sealed override byte[]? EncodeValue() => GroupRecordCodec.EncodeValue(this);
}

/// <summary>A committed offset, or its tombstone when <paramref name="Value"/> is null.</summary>
internal sealed record OffsetRecord(string Group, TopicPartition Partition, CommittedOffset? Value) : GroupRecord(Group)
{
    public override long EstimatedBytes => 64 + Group.Length + Partition.Topic.Length + (Value?.Metadata.Length ?? 0);
}

/// <summary>A group's generation with its members, or its tombstone when <paramref name="Value"/> is null.</summary>
internal sealed record GroupMetadataRecord(string Group, GroupSnapshot? Value) : GroupRecord(Group)
{
    public override long EstimatedBytes => 64 + Group.Length + (Value?.Members.Sum(member => 200L + member.Subscription.Length + member.Assignment.Length) ?? 0);
}

/// <summary>What is kept of a generation.</summary>
internal sealed record GroupSnapshot(
    string ProtocolType, int Generation, string? ProtocolName, string? Leader, long StateTimestampMs, IReadOnlyList<MemberSnapshot> Members);

internal sealed record MemberSnapshot(
    string MemberId, string? InstanceId, string ClientId, string ClientHost, int RebalanceTimeoutMs, int SessionTimeoutMs, byte[] Subscription, byte[] Assignment);
