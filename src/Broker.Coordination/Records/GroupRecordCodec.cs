using System.Buffers.Binary;
using Broker.Protocol.Messages;

namespace Broker.Coordination;

/// <summary>
/// Bytes of the records in __consumer_offsets, in Kafka's formats: what is written is what Kafka 3.9 writes (key 1 with value 3, value 1 for a commit with
/// an expiry of its own; key 2 with value 3), and all versions are read.
/// </summary>
internal static class GroupRecordCodec
{
    private const short OffsetKeyVersion = 1;
    private const short OffsetValueVersion = 3;
    private const short OffsetValueWithExpiryVersion = 1;
    private const short GroupKeyVersion = 2;
    private const short GroupValueVersion = 3;

    public static byte[] EncodeKey(GroupRecord record) => record switch
    {
        OffsetRecord offset => Encode(OffsetKeyVersion, new OffsetCommitKey { Group = offset.Group, Topic = offset.Partition.Topic, Partition = offset.Partition.Partition }),
        _ => Encode(GroupKeyVersion, new GroupMetadataKey { Group = record.Group }),
    };

    /// <summary>The value's bytes; null for a tombstone.</summary>
    public static byte[]? EncodeValue(GroupRecord record) => record switch
    {
        OffsetRecord { Value: { } offset } => EncodeOffset(offset),
        GroupMetadataRecord { Value: { } group } => EncodeGroup(group),
        _ => null,
    };

    /// <summary>Version of a key, which tells its kind; -1 for a key too short to have one.</summary>
    public static short KeyVersion(ReadOnlySpan<byte> key) => key.Length < 2 ? (short)-1 : BinaryPrimitives.ReadInt16BigEndian(key);

    /// <summary>The record, or null when the kind of key is not one of a classic group.</summary>
    /// <exception cref="ProtocolException">The bytes, or the version of the value, cannot be read.</exception>
    public static GroupRecord? Decode(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte>? value)
    {
        short version = KeyVersion(key.Span);
        if (version is < 0 or > GroupKeyVersion)
        {
            return null;
        }
        var reader = new WireReader(key[2..]);
        if (version == GroupKeyVersion)
        {
            return new GroupMetadataRecord(GroupMetadataKey.Read(ref reader, version).Group, value is null ? null : DecodeGroup(value.Value));
        }
        OffsetCommitKey offset = OffsetCommitKey.Read(ref reader, version);
        return new OffsetRecord(offset.Group, new TopicPartition(offset.Topic, offset.Partition), value is null ? null : DecodeOffset(value.Value));
    }

    private static byte[] Encode(short version, IMessage message)
    {
        var bytes = new byte[2 + message.Size(version)];
        BinaryPrimitives.WriteInt16BigEndian(bytes, version);
        message.Write(new WireWriter(bytes.AsMemory(2)), version);
        return bytes;
    }

    private static byte[] EncodeOffset(CommittedOffset offset) => Encode(
        offset.ExpireTimestampMs == CommittedOffset.NoExpiry ? OffsetValueVersion : OffsetValueWithExpiryVersion,
        new OffsetCommitValue
        {
            Offset = offset.Offset,
            LeaderEpoch = offset.LeaderEpoch,
            Metadata = offset.Metadata,
            CommitTimestamp = offset.CommitTimestampMs,
            ExpireTimestamp = offset.ExpireTimestampMs,
        });

    private static byte[] EncodeGroup(GroupSnapshot group)
    {
        var members = new GroupMetadataValue.MemberMetadata[group.Members.Count];
        for (int i = 0; i < members.Length; i++)
        {
            MemberSnapshot member = group.Members[i];
            members[i] = new GroupMetadataValue.MemberMetadata
            {
                MemberId = member.MemberId,
                GroupInstanceId = member.InstanceId,
                ClientId = member.ClientId,
                ClientHost = member.ClientHost,
                RebalanceTimeout = member.RebalanceTimeoutMs,
                SessionTimeout = member.SessionTimeoutMs,
                Subscription = member.Subscription,
                Assignment = member.Assignment,
            };
        }
        return Encode(GroupValueVersion, new GroupMetadataValue
        {
            ProtocolType = group.ProtocolType,
            Generation = group.Generation,
            Protocol = group.ProtocolName,
            Leader = group.Leader,
            CurrentStateTimestamp = group.StateTimestampMs,
            Members = members,
        });
    }

    private static CommittedOffset DecodeOffset(ReadOnlyMemory<byte> bytes)
    {
        short version = ValueVersion(bytes, OffsetCommitValue.MaxVersion);
        var reader = new WireReader(bytes[2..]);
        OffsetCommitValue value = OffsetCommitValue.Read(ref reader, version);
        return new CommittedOffset(value.Offset, value.LeaderEpoch, value.Metadata, value.CommitTimestamp, value.ExpireTimestamp);
    }

    private static GroupSnapshot DecodeGroup(ReadOnlyMemory<byte> bytes)
    {
        short version = ValueVersion(bytes, GroupMetadataValue.MaxVersion);
        var reader = new WireReader(bytes[2..]);
        GroupMetadataValue value = GroupMetadataValue.Read(ref reader, version);
        List<MemberSnapshot> members = [];
        foreach (GroupMetadataValue.MemberMetadata member in value.Members)
        {
            members.Add(new MemberSnapshot(
                member.MemberId, member.GroupInstanceId, member.ClientId, member.ClientHost, member.RebalanceTimeout, member.SessionTimeout,
                member.Subscription, member.Assignment));
        }
        return new GroupSnapshot(value.ProtocolType, value.Generation, value.Protocol, value.Leader, value.CurrentStateTimestamp, members);
    }

    private static short ValueVersion(ReadOnlyMemory<byte> bytes, short newest)
    {
        short version = KeyVersion(bytes.Span);
        return version >= 0 && version <= newest
            ? version
            : throw new ProtocolException($"the value has version {version}, and 0 to {newest} can be read");
    }
}
