using System.Buffers.Binary;
using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

/// <summary>File formats, byte by byte, worked out by hand from their layouts.</summary>
public class GoldenBytesTests
{
    [Fact]
    public void Offset_and_time_index_point_at_the_last_offset_of_a_batch_after_each_interval()
    {
        // Three records a batch, so that first and last offsets differ; an interval smaller than a batch, so that every batch but the first is indexed.
        using LogRig rig = new(LogRig.Topic(("index.interval.bytes", "10")));
        int size = Batches.Of("a", "b", "c").Length;
        rig.Append(Batches.At(0x0102030405, "a", "b", "c"));
        rig.Append(Batches.At(0x0102030406, "a", "b", "c"));
        rig.Append(Batches.At(0x0102030400, "a", "b", "c"));
        rig.Stop();

        Assert.Equal(
            [0, 0, 0, 5, 0, 0, 0, (byte)size, 0, 0, 0, 8, 0, 0, 0, (byte)(2 * size)],
            File.ReadAllBytes(Path.Combine(rig.PartitionPath, "00000000000000000000.index")));
        Assert.Equal(
            [0, 0, 0, 1, 2, 3, 4, 6, 0, 0, 0, 5],
            File.ReadAllBytes(Path.Combine(rig.PartitionPath, "00000000000000000000.timeindex")));
        LogConsistency.CheckFiles(rig.PartitionPath);
    }

    [Fact]
    public void Index_interval_counts_from_the_last_indexed_batch()
    {
        int size = Batches.Of("a").Length;
        using LogRig rig = new(LogRig.Topic(("index.interval.bytes", $"{size * 2}")));
        for (int i = 0; i < 8; i++)
        {
            rig.Append(Batches.Of("a"));
        }

        // More than two batches must lie between: entries at the fourth batch and three batches later.
        rig.Stop();
        int second = 6 * size;
        Assert.Equal(
            [0, 0, 0, 3, 0, 0, 0, (byte)(3 * size), 0, 0, 0, 6, 0, 0, (byte)(second >> 8), (byte)second],
            File.ReadAllBytes(Path.Combine(rig.PartitionPath, "00000000000000000000.index")));
    }

    [Fact]
    public void Producer_snapshot()
    {
        ProducerState state = new(0x0102030405060708);
        state.AddBatch(9, new SequenceRange(0x11, 0x2122232425262728, 3, 0x3132333435363738));
        state.CoordinatorEpoch = 7;
        byte[] expected =
        [
            0, 1, 0, 0, 0, 0, 0, 0, 0, 1,
            1, 2, 3, 4, 5, 6, 7, 8, 0, 9, 0, 0, 0, 0x11, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0, 0, 0, 3,
            0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        ];
        BinaryPrimitives.WriteUInt32BigEndian(expected.AsSpan(2), Crc32C.Compute(expected.AsSpan(6)));

        Assert.Equal(expected, ProducerSnapshot.Encode([state]));
        ProducerState back = Assert.Single(ProducerSnapshot.TryDecode(expected)!);
        Assert.Equal(
            (state.ProducerId, state.Epoch, state.LastBatch, 7, -1L),
            (back.ProducerId, back.Epoch, back.LastBatch, back.CoordinatorEpoch, back.TransactionFirstOffset));
    }

    [Fact]
    public void A_snapshot_with_any_bit_flipped_is_not_believed()
    {
        ProducerState state = new(1);
        state.AddBatch(0, new SequenceRange(5, 10, 0, 7));
        byte[] good = ProducerSnapshot.Encode([state]);
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Null(ProducerSnapshot.TryDecode(bad));
        }
    }

    [Fact]
    public void Transaction_index()
    {
        using LogRig rig = new();
        rig.Append(Batches.Of("x"));
        rig.Append(Batches.Idempotent(0x0a, 0, 0, count: 2, isTransactional: true));
        rig.Append(Batches.Marker(0x0a, 0, commit: false), origin: AppendOrigin.Coordinator);
        rig.Stop();

        // Version, producer id, first offset, offset of the marker, last stable offset.
        Assert.Equal(
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 4],
            File.ReadAllBytes(Path.Combine(rig.PartitionPath, "00000000000000000000.txnindex")));
    }

    [Fact]
    public void Text_files_of_the_directories()
    {
        using LogRig rig = new();
        rig.Append(Batches.Of("a", "b"), leaderEpoch: 2);
        rig.Append(Batches.Of("c"), leaderEpoch: 5);
        Assert.Equal(ErrorCode.None, rig.Log.DeleteRecords(1));
        rig.Stop();

        string Text(params string[] parts) => File.ReadAllText(Path.Combine([rig.Root, .. parts]));
        Assert.Equal("0\n2\n2 1\n5 2\n", Text("t-0", "leader-epoch-checkpoint"));
        Assert.Equal("version: 0\ntopic_id: AQIDBAUGBwgJCgsMDQ4PEA", Text("t-0", "partition.metadata"));
        Assert.Equal("0\n1\nt 0 3\n", Text("recovery-point-offset-checkpoint"));
        Assert.Equal("0\n1\nt 0 3\n", Text("replication-offset-checkpoint"));
        Assert.Equal("0\n1\nt 0 1\n", Text("log-start-offset-checkpoint"));
        Assert.Equal("{\"version\":0,\"brokerEpoch\":-1}", Text(".kafka_cleanshutdown"));
        Assert.Equal("#\n#Tue Nov 14 22:13:20 UTC 2023\nbroker.id=1\nversion=0\ncluster.id=cluster\n", Text("meta.properties"));
        Assert.Equal(
            [
                "00000000000000000000.index", "00000000000000000000.log", "00000000000000000000.timeindex", "00000000000000000003.snapshot",
                "leader-epoch-checkpoint", "partition.metadata",
            ],
            rig.FilesOfPartition());
    }

    [Fact]
    public void Names_of_directories_to_be_deleted_fit_the_file_system()
    {
        TopicPartition longest = new(new string('t', 249), 12);
        string name = LogFileNames.MarkedForDeletion(longest, new Guid("0123456789abcdef0123456789abcdef"));

        Assert.Equal(255, name.Length);
        Assert.EndsWith("t-12.0123456789abcdef0123456789abcdef-delete", name);
        Assert.True(LogFileNames.IsMarked(name, LogFileNames.DeleteDirectory));
    }
}
