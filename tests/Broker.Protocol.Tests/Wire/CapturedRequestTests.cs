using Broker.Protocol.Messages;
using Broker.Protocol.Records;

namespace Broker.Protocol.Tests;

/// <summary>Requests as real clients put them on the wire, without the four bytes of the frame length. Topic demo, one record, value hello.</summary>
public sealed class CapturedRequestTests
{
    [Theory]
    [InlineData("librdkafka 2.0.2 (kcat)", "0012000300000001000772646b61666b61000b6c696272646b61666b6106322e302e3200", 3, "rdkafka", "librdkafka", "2.0.2")]
    [InlineData("Java 3.9", "00120004000000000010636f6e736f6c652d70726f647563657200126170616368652d6b61666b612d6a61766106332e392e3200", 4, "console-producer", "apache-kafka-java", "3.9.2")]
    [InlineData("Java 4.3", "00120004000000000010636f6e736f6c652d70726f647563657200126170616368652d6b61666b612d6a61766106342e332e3100", 4, "console-producer", "apache-kafka-java", "4.3.1")]
    [InlineData("Java 0.10", "00120000000000000010636f6e736f6c652d70726f6475636572", 0, "console-producer", "", "")]
    [InlineData("kafka-python 2.0.2", "001200000000000100027079", 0, "py", "", "")]
    public void ApiVersions(string client, string hex, short version, string clientId, string software, string softwareVersion)
    {
        var (header, request) = Read<ApiVersionsRequest>(client, hex);

        Assert.Equal((ApiKey.ApiVersions, version, clientId), (header.ApiKey, header.ApiVersion, header.ClientId));
        Assert.Equal((software, softwareVersion), (request.ClientSoftwareName, request.ClientSoftwareVersion));
    }

    /// <summary>Version 0 asks for all topics with an empty array; null says so from version 1 on.</summary>
    [Theory]
    [InlineData("librdkafka 2.0.2 (kcat)", "0003000400000002000772646b61666b6100000001000464656d6f01", 4, "demo", true)]
    [InlineData("kafka-python 2.0.2", "00030000000000020002707900000000", 0, "", true)]
    [InlineData("kafka-python 2.0.2", "000300010000000300027079ffffffff", 1, null, true)]
    [InlineData("Java 0.10", "00030002000000010010636f6e736f6c652d70726f647563657200000001000464656d6f", 2, "demo", true)]
    [InlineData("Java 3.9", "0003000c000000010010636f6e736f6c652d70726f64756365720002000000000000000000000000000000000564656d6f00010000", 12, "demo", true)]
    [InlineData("Java 4.3", "0003000d000000020010636f6e736f6c652d636f6e73756d65720002000000000000000000000000000000000564656d6f00010000", 13, "demo", true)]
    public void Metadata(string client, string hex, short version, string? topics, bool allowsCreation)
    {
        var (header, request) = Read<MetadataRequest>(client, hex);

        Assert.Equal((ApiKey.Metadata, version), (header.ApiKey, header.ApiVersion));
        Assert.Equal(topics, request.Topics.IsNull ? null : string.Join(',', request.Topics.ToArray().Select(t => t.Name)));
        Assert.All(request.Topics.ToArray(), topic => Assert.Equal(Guid.Empty, topic.TopicId));
        Assert.Equal(allowsCreation, request.AllowAutoTopicCreation);
    }

    [Theory]
    [InlineData(
        "Java 3.9",
        "0000000b000000040010636f6e736f6c652d70726f64756365720000ffff000005dc020564656d6f02000000004a00000000000000000000003dffffffff0201e82f28000000000000000001a20da560a0"
        + "000001a20da560a000000000000000000000000000000000000116000000010a68656c6c6f00000000",
        11, -1, 1500, 73)]
    [InlineData(
        "kafka-python 2.0.2",
        "000000070000000100027079ffff00010000753000000001000464656d6f00000001000000000000004a00000000000000000000003e00000000020db1cf0e000000000000000001a20da696aa"
        + "000001a20da696aaffffffffffffffffffffffffffff0000000118000000026b0a68656c6c6f00",
        7, 1, 30000, 74)]
    public void Produce_with_a_batch(string client, string hex, short version, short acks, int timeoutMs, int batchBytes)
    {
        var (header, request) = Read<ProduceRequest>(client, hex);

        Assert.Equal((ApiKey.Produce, version), (header.ApiKey, header.ApiVersion));
        Assert.Equal((null, acks, timeoutMs), (request.TransactionalId, request.Acks, request.TimeoutMs));
        ReadOnlyMemory<byte> records = OnlyRecords(request);
        Assert.True(RecordBatchHeader.TryRead(records.Span, out RecordBatchHeader batch));
        Assert.Equal((batchBytes, 2, 1), (records.Length, (int)batch.Magic, batch.RecordCount));
        Assert.Equal(batch.Crc, Crc32C.Compute(records.Span[21..]));
    }

    [Fact]
    public void Produce_of_Java_0_10_with_a_message_set()
    {
        var (header, request) = Read<ProduceRequest>(
            "Java 0.10",
            "00000002000000020010636f6e736f6c652d70726f64756365720001000005dc00000001000464656d6f00000001000000000000002700000000000000000000001b6b42466d0100000001a20da63bdb"
            + "ffffffff0000000568656c6c6f");

        Assert.Equal((2, 1, 1500), (header.ApiVersion, request.Acks, request.TimeoutMs));
        Assert.Equal((39, 1), (OnlyRecords(request).Length, OnlyRecords(request).Span[16]));
    }

    [Fact]
    public void Fetch_of_Java_4_3()
    {
        var (header, request) = Read<FetchRequest>(
            "Java 4.3",
            "00010011000000050010636f6e736f6c652d636f6e73756d657200000001f4000000010320000000000000000000000002b949abfeafd3418092631179f18208170200000000"
            + "000000000000000000000000ffffffffffffffffffffffff001000000000010100");

        Assert.Equal((17, "console-consumer"), (header.ApiVersion, header.ClientId));
        Assert.Equal((500, 1, 52428800, 0), (request.MaxWaitMs, request.MinBytes, request.MaxBytes, (int)request.IsolationLevel));
        Assert.Equal((null, -1, 0, 0, ""), (request.ClusterId, request.ReplicaState.ReplicaId, request.SessionId, request.SessionEpoch, request.RackId));
        FetchRequest.FetchTopic topic = Assert.Single(request.Topics.ToArray());
        Assert.Equal(("", Guid.Parse("b949abfe-afd3-4180-9263-1179f1820817")), (topic.Topic, topic.TopicId));
        FetchRequest.FetchPartition partition = Assert.Single(topic.Partitions.ToArray());
        Assert.Equal((0, 0, 0L, -1, -1L, 1048576), (partition.Partition, partition.CurrentLeaderEpoch, partition.FetchOffset, partition.LastFetchedEpoch, partition.LogStartOffset, partition.PartitionMaxBytes));
        Assert.Equal(0, request.ForgottenTopicsData.Count);
    }

    [Fact]
    public void ListOffsets_of_Java_4_3()
    {
        var (header, request) = Read<ListOffsetsRequest>(
            "Java 4.3", "00020009000000030010636f6e736f6c652d636f6e73756d657200ffffffff00020564656d6f020000000000000000fffffffffffffffe000000");

        Assert.Equal((9, -1, 0), (header.ApiVersion, request.ReplicaId, (int)request.IsolationLevel));
        ListOffsetsRequest.ListOffsetsTopic topic = Assert.Single(request.Topics.ToArray());
        ListOffsetsRequest.ListOffsetsPartition partition = Assert.Single(topic.Partitions.ToArray());
        Assert.Equal(("demo", 0, 0, -2L), (topic.Name, partition.PartitionIndex, partition.CurrentLeaderEpoch, partition.Timestamp));
    }

    [Fact]
    public void InitProducerId_of_Java_3_9_asks_for_idempotence_alone()
    {
        var (header, request) = Read<InitProducerIdRequest>("Java 3.9", "00160005000000020010636f6e736f6c652d70726f647563657200007fffffffffffffffffffffffffff00");

        Assert.Equal((5, null, int.MaxValue), (header.ApiVersion, request.TransactionalId, request.TransactionTimeoutMs));
        Assert.Equal((-1L, -1), (request.ProducerId, request.ProducerEpoch));
    }

    [Fact]
    public void JoinGroup_of_Java_4_3_with_subscriptions_inside()
    {
        var (header, request) = Read<JoinGroupRequest>(
            "Java 4.3",
            "000b0009000000050010636f6e736f6c652d636f6e73756d65720017636f6e736f6c652d636f6e73756d65722d34323336300000afc8000493e0010009636f6e73756d6572030672616e6765"
            + "1b000300000001000464656d6fffffffff00000000ffffffffffff0013636f6f70657261746976652d737469636b791f000300000001000464656d6f00000004ffffffff00000000ffffffffffff000100");

        Assert.Equal((9, "console-consumer-42360", 45000, 300000), (header.ApiVersion, request.GroupId, request.SessionTimeoutMs, request.RebalanceTimeoutMs));
        Assert.Equal(("", null, "consumer", ""), (request.MemberId, request.GroupInstanceId, request.ProtocolType, request.Reason));
        JoinGroupRequest.JoinGroupRequestProtocol[] protocols = request.Protocols.ToArray();
        Assert.Equal(["range", "cooperative-sticky"], protocols.Select(p => p.Name));
        Assert.All(protocols, protocol =>
        {
            var reader = new WireReader(protocol.Metadata);
            ConsumerProtocolSubscription subscription = ConsumerProtocolSubscription.Read(ref reader, reader.ReadInt16());
            Assert.Equal(["demo"], subscription.Topics.ToArray());
            Assert.Equal((0, -1, null, 0), (subscription.OwnedPartitions.Count, subscription.GenerationId, subscription.RackId, reader.Remaining));
        });
    }

    private static ReadOnlyMemory<byte> OnlyRecords(ProduceRequest request)
    {
        ProduceRequest.TopicProduceData topic = Assert.Single(request.TopicData.ToArray());
        ProduceRequest.PartitionProduceData partition = Assert.Single(topic.PartitionData.ToArray());
        Assert.Equal(("demo", 0), (topic.Name, partition.Index));
        return partition.Records.Memory;
    }

    /// <summary>Decodes header and body to the last byte and checks that both are written as the client wrote them.</summary>
    private static (RequestHeader Header, TRequest Request) Read<TRequest>(string client, string hex)
        where TRequest : IMessage, IWireReadable<TRequest>
    {
        byte[] frame = Convert.FromHexString(hex);
        var reader = new WireReader(frame);
        RequestHeader header = RequestHeader.Read(ref reader, (_, _) => true);
        TRequest request = TRequest.Read(ref reader, header.ApiVersion);
        Assert.True(reader.Remaining == 0, $"{client}: {reader.Remaining} bytes are left");

        var written = new byte[header.Size() + request.Size(header.ApiVersion)];
        var writer = new WireWriter(written);
        header.Write(writer);
        request.Write(writer, header.ApiVersion);
        Assert.Equal(hex, Convert.ToHexStringLower(written));
        return (header, request);
    }
}
