using Broker.Protocol;

namespace Broker.Coordination.Tests.Records;

/// <summary>The bytes are spelled out field by field, as the format is documented, and not by the code under test.</summary>
public sealed class GroupRecordCodecTests
{
    private static readonly TopicPartition Partition = new("ab", 3);

    private static byte[] Hex(params string[] parts) => Convert.FromHexString(string.Concat(parts).Replace(" ", "", StringComparison.Ordinal));

    private static readonly byte[] OffsetKey = Hex("0001", "0001 67", "0002 6162", "00000003");

    [Fact]
    public void An_offset_is_written_as_key_1_and_value_3()
    {
        var record = new OffsetRecord("g", Partition, new CommittedOffset(42, 7, "m", 0x0102030405060708));
        Assert.Equal(OffsetKey, GroupRecordCodec.EncodeKey(record));
        Assert.Equal(Hex("0003", "000000000000002A", "00000007", "0001 6D", "0102030405060708"), GroupRecordCodec.EncodeValue(record));
    }

    [Fact]
    public void An_offset_with_an_expiry_of_its_own_is_written_as_value_1()
    {
        var record = new OffsetRecord("g", Partition, new CommittedOffset(42, 7, "m", 1, 2));
        Assert.Equal(Hex("0001", "000000000000002A", "0001 6D", "0000000000000001", "0000000000000002"), GroupRecordCodec.EncodeValue(record));
    }

    public static TheoryData<string, long, int, long> OffsetValues => new()
    {
        { "0000 000000000000002A 0001 6D 0000000000000001", 42, -1, -1 },
        { "0001 000000000000002A 0001 6D 0000000000000001 0000000000000002", 42, -1, 2 },
        { "0002 000000000000002A 0001 6D 0000000000000001", 42, -1, -1 },
        { "0003 000000000000002A 00000007 0001 6D 0000000000000001", 42, 7, -1 },
        { "0004 000000000000002A 00000007 02 6D 0000000000000001 00", 42, 7, -1 },
        { "0004 000000000000002A 00000007 02 6D 0000000000000001 01 00 10 00112233445566778899AABBCCDDEEFF", 42, 7, -1 },
    };

    [Theory]
    [MemberData(nameof(OffsetValues))]
    public void Every_version_of_an_offset_is_read(string value, long offset, int leaderEpoch, long expireMs)
    {
        var expected = new OffsetRecord("g", Partition, new CommittedOffset(offset, leaderEpoch, "m", 1, expireMs));
        Assert.Equal(expected, GroupRecordCodec.Decode(OffsetKey, Hex(value)));
        byte[] key0 = [0, 0, .. OffsetKey[2..]];
        Assert.Equal(expected, GroupRecordCodec.Decode(key0, Hex(value)));
    }

    [Fact]
    public void A_group_is_written_as_key_2_and_value_3()
    {
        var record = new GroupMetadataRecord("g", new GroupSnapshot("consumer", 5, "range", "m1", 9, [
            new MemberSnapshot("m1", null, "c", "/h", 60_000, 10_000, [1, 2], [3]),
            new MemberSnapshot("m2", "i", "c", "/h", 60_000, 10_000, [], [])]));
        Assert.Equal(Hex("0002", "0001 67"), GroupRecordCodec.EncodeKey(record));
        Assert.Equal(
            Hex(
                "0003", "0008 636F6E73756D6572", "00000005", "0005 72616E6765", "0002 6D31", "0000000000000009", "00000002",
                "0002 6D31", "FFFF", "0001 63", "0002 2F68", "0000EA60", "00002710", "00000002 0102", "00000001 03",
                "0002 6D32", "0001 69", "0001 63", "0002 2F68", "0000EA60", "00002710", "00000000", "00000000"),
            GroupRecordCodec.EncodeValue(record));
    }

    [Fact]
    public void An_empty_group_has_no_protocol_and_no_leader()
    {
        var record = new GroupMetadataRecord("g", new GroupSnapshot("consumer", 6, null, null, 9, []));
        Assert.Equal(Hex("0003", "0008 636F6E73756D6572", "00000006", "FFFF", "FFFF", "0000000000000009", "00000000"), GroupRecordCodec.EncodeValue(record));
    }

    [Theory]
    [InlineData("0000 0001 70 00000005 0001 72 0001 6D 00000001  0001 6D 0001 63 0001 68 00002710 00000001 01 00000001 02", -1, null, -1)]
    [InlineData("0001 0001 70 00000005 0001 72 0001 6D 00000001  0001 6D 0001 63 0001 68 0000EA60 00002710 00000001 01 00000001 02", 60_000, null, -1)]
    [InlineData("0002 0001 70 00000005 0001 72 0001 6D 0000000000000009 00000001  0001 6D 0001 63 0001 68 0000EA60 00002710 00000001 01 00000001 02", 60_000, null, 9)]
    [InlineData("0003 0001 70 00000005 0001 72 0001 6D 0000000000000009 00000001  0001 6D 0001 69 0001 63 0001 68 0000EA60 00002710 00000001 01 00000001 02", 60_000, "i", 9)]
    [InlineData("0004 02 70 00000005 02 72 02 6D 0000000000000009 02  02 6D 02 69 02 63 02 68 0000EA60 00002710 02 01 02 02 00 00", 60_000, "i", 9)]
    public void Every_version_of_a_group_is_read(string value, int rebalanceTimeoutMs, string? instanceId, long timestampMs)
    {
        var record = (GroupMetadataRecord)GroupRecordCodec.Decode(Hex("0002", "0001 67"), Hex(value))!;
        GroupSnapshot group = record.Value!;
        Assert.Equal(("g", "p", 5, "r", "m", timestampMs), (record.Group, group.ProtocolType, group.Generation, group.ProtocolName, group.Leader, group.StateTimestampMs));
        MemberSnapshot member = Assert.Single(group.Members);
        Assert.Equal(("m", instanceId, "c", "h", rebalanceTimeoutMs, 10_000), (member.MemberId, member.InstanceId, member.ClientId, member.ClientHost, member.RebalanceTimeoutMs, member.SessionTimeoutMs));
        Assert.Equal([1], member.Subscription);
        Assert.Equal([2], member.Assignment);
    }

    [Fact]
    public void A_missing_value_is_a_tombstone()
    {
        Assert.Equal(new OffsetRecord("g", Partition, null), GroupRecordCodec.Decode(OffsetKey, null));
        Assert.Equal(new GroupMetadataRecord("g", null), GroupRecordCodec.Decode(Hex("0002", "0001 67"), null));
        Assert.Null(GroupRecordCodec.EncodeValue(new OffsetRecord("g", Partition, null)));
    }

    [Theory]
    [InlineData("0003 0001 67")]
    [InlineData("0008 0001 67 0001 67")]
    [InlineData("FFFF")]
    [InlineData("")]
    public void Other_kinds_of_keys_are_not_ours(string key) => Assert.Null(GroupRecordCodec.Decode(Hex(key), Hex("00")));

    [Theory]
    [InlineData("0005 000000000000002A")]
    [InlineData("0003 00")]
    [InlineData("00")]
    public void Broken_values_are_told(string value) => Assert.Throws<ProtocolException>(() => GroupRecordCodec.Decode(OffsetKey, Hex(value)));
}
