using Broker.Coordination.Tests.Simulation;
using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Coordination.Tests.Records;

public sealed class GroupLoaderTests
{
    private readonly MemoryLog _log = new();
    private readonly GroupShard _shard = new(new GroupSettings(), new RandomMemberIds());

    private static OffsetRecord Offset(string topic, long offset) => new("g", new TopicPartition(topic, 0), new CommittedOffset(offset, -1, "", 1));

    private void Append(RecordBatchOptions options, params GroupRecord[] records)
    {
        var batch = new RecordBatchBuilder(options);
        foreach (GroupRecord record in records)
        {
            batch.Append(1, GroupRecordCodec.EncodeKey(record), GroupRecordCodec.EncodeValue(record));
        }
        _log.Append(0, batch.Build());
    }

    private void AppendInTransaction(long producerId, params GroupRecord[] records) =>
        Append(new RecordBatchOptions { ProducerId = producerId, ProducerEpoch = 0, BaseSequence = 0, IsTransactional = true }, records);

    private void AppendMarker(long producerId, bool commit) => _log.Append(0, RecordBatchBuilder.TransactionMarker(0, 0, producerId, 0, commit, 0, 1));

    private long? Committed(string topic) => _shard.TryFind("g", out Group? group) ? group.Offsets.Find(new TopicPartition(topic, 0))?.Offset : null;

    [Theory]
    [InlineData(CompressionCodec.None)]
    [InlineData(CompressionCodec.Gzip)]
    [InlineData(CompressionCodec.Snappy)]
    [InlineData(CompressionCodec.Lz4)]
    [InlineData(CompressionCodec.Zstd)]
    public void Batches_of_every_codec_are_read_also_larger_ones_than_the_buffer(CompressionCodec codec)
    {
        Append(new RecordBatchOptions { Codec = codec }, [.. Enumerable.Range(0, 500).Select(i => Offset($"t{i}", i))]);
        Append(new RecordBatchOptions { Codec = codec }, Offset("t1", 77));
        LogReplay.Load(_shard, _log);
        Assert.Equal(499, Committed("t499"));
        Assert.Equal(77, Committed("t1"));
    }

    [Fact]
    public void Transactional_offsets_count_when_their_marker_says_so()
    {
        AppendInTransaction(1, Offset("committed", 1));
        AppendInTransaction(2, Offset("aborted", 1));
        AppendInTransaction(3, Offset("open", 1));
        AppendInTransaction(1, Offset("overwritten", 1));
        Append(RecordBatchOptions.Default, Offset("overwritten", 2), Offset("aborted", 0));
        AppendMarker(1, commit: true);
        AppendMarker(2, commit: false);
        LogReplay.Load(_shard, _log);
        Assert.Equal((1, 0, 2), (Committed("committed"), Committed("aborted"), Committed("overwritten")));
        Assert.Null(Committed("open"));
        List<FetchedOffset> fetched = [];
        _shard.Fetch("g", [new TopicPartition("open", 0)], requireStable: true, fetched);
        Assert.Equal(ErrorCode.UnstableOffsetCommit, fetched.Single().Error);
        _shard.EndTransaction(3, isCommit: true);
        Assert.Equal(1, Committed("open"));
    }

    [Fact]
    public void Records_that_are_not_ours_or_broken_are_skipped()
    {
        var batch = new RecordBatchBuilder(RecordBatchOptions.Default);
        batch.Append(1, [0, 3, 0, 1, 103], [0, 0]);
        batch.Append(1, null, [1]);
        batch.Append(1, GroupRecordCodec.EncodeKey(Offset("broken", 1)), [0, 99]);
        OffsetRecord good = Offset("good", 1);
        batch.Append(1, GroupRecordCodec.EncodeKey(good), GroupRecordCodec.EncodeValue(good));
        _log.Append(0, batch.Build());
        LogReplay.Load(_shard, _log);
        Assert.Equal(1, Committed("good"));
        Assert.Null(Committed("broken"));
    }

    [Theory]
    [InlineData(0, CompressionCodec.None)]
    [InlineData(1, CompressionCodec.None)]
    [InlineData(1, CompressionCodec.Gzip)]
    public void Messages_of_old_brokers_are_read(byte magic, CompressionCodec codec)
    {
        var set = new LegacyMessageSetBuilder(magic, codec);
        for (int i = 0; i < 3; i++)
        {
            OffsetRecord record = Offset($"t{i}", i);
            set.Append(i, 1, GroupRecordCodec.EncodeKey(record), GroupRecordCodec.EncodeValue(record));
        }
        _log.AppendRaw(0, set.Build(), endOffset: 3);
        Append(RecordBatchOptions.Default, Offset("t1", 9));
        LogReplay.Load(_shard, _log);
        Assert.Equal((0, 9, 2), (Committed("t0"), Committed("t1"), Committed("t2")));
    }

    [Fact]
    public void Batches_that_compaction_emptied_and_broken_ones_are_passed_over()
    {
        var empty = new RecordBatchBuilder(new RecordBatchOptions { Codec = CompressionCodec.Gzip });
        _log.Append(0, empty.Build()[..RecordBatchHeader.Size]);
        OffsetRecord lost = Offset("lost", 1);
        var broken = new RecordBatchBuilder(RecordBatchOptions.Default);
        broken.Append(1, GroupRecordCodec.EncodeKey(lost), GroupRecordCodec.EncodeValue(lost));
        byte[] bytes = broken.Build();
        bytes[RecordBatchHeader.Size] = 0xff;
        _log.AppendRaw(0, bytes, _log.EndOffset(0) + 1);
        Append(RecordBatchOptions.Default, Offset("good", 1));
        LogReplay.Load(_shard, _log);
        Assert.Equal(1, Committed("good"));
        Assert.Null(Committed("lost"));
    }

    [Fact]
    public void Tombstones_take_away_what_was_there()
    {
        Append(RecordBatchOptions.Default, Offset("a", 1), Offset("b", 1), new GroupMetadataRecord("g", new GroupSnapshot("consumer", 3, null, null, 1, [])));
        Append(RecordBatchOptions.Default, Offset("a", 1) with { Value = null }, Offset("never", 1) with { Value = null });
        LogReplay.Load(_shard, _log);
        Assert.Null(Committed("a"));
        Assert.Equal(1, Committed("b"));
        Assert.True(_shard.TryFind("g", out Group? group));
        Assert.Equal(3, group.Generation);
    }
}
