using System.Buffers.Binary;
using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

/// <summary>What must hold of any log at any time, checked from its published state and from its files as kafka-dump-log does.</summary>
internal static class LogConsistency
{
    public static void Check(PartitionLog log, LogFiles? files = null)
    {
        LogSegment[] segments = log.Segments;
        Assert.True(log.LogStartOffset >= segments[0].BaseOffset);
        Assert.True(log.LogStartOffset <= log.HighWatermark, $"start {log.LogStartOffset} <= high watermark {log.HighWatermark}");
        Assert.True(log.HighWatermark <= log.LogEndOffset);
        Assert.True(log.LastStableOffset <= log.HighWatermark);
        Assert.True(log.RecoveryPoint <= log.LogEndOffset);
        long next = segments[0].BaseOffset;
        for (int i = 0; i < segments.Length; i++)
        {
            // An aligned start after DeleteRecords beyond the data may leave a gap only before a first segment; inside there is none without compaction.
            Assert.Equal(next, segments[i].BaseOffset);
            next = CheckSegment(log, segments[i], files ?? LogFiles.Disk);
        }

        Assert.Equal(next, log.LogEndOffset);
    }

    /// <summary>The files as they are after a clean stop.</summary>
    public static void CheckFiles(string partitionPath, LogFiles? files = null, bool isCleaned = false)
    {
        files ??= LogFiles.Disk;
        foreach (FileEntry entry in files.List(partitionPath))
        {
            if (!LogFileNames.TryParse(entry.Name, LogFileNames.Log, out long baseOffset))
            {
                continue;
            }

            string path = Path.Combine(partitionPath, entry.Name);
            var batches = Batches(files.ReadAll(path));
            CheckOffsetIndex(files.ReadAll(Path.ChangeExtension(path, ".index")), baseOffset, batches);
            CheckTimeIndex(files.ReadAll(Path.ChangeExtension(path, ".timeindex")), baseOffset, batches, isCleaned);
        }
    }

    private static long CheckSegment(PartitionLog log, LogSegment segment, LogFiles files)
    {
        byte[] bytes = new byte[segment.Size];
        Assert.Equal(bytes.Length, files.Read(segment.File, bytes, 0));
        long next = segment.BaseOffset;
        foreach ((int position, RecordBatchHeader batch) in Batches(bytes))
        {
            Assert.Equal(next, batch.BaseOffset);
            Assert.True(RecordBatchHeader.HasValidCrc(bytes.AsSpan(position, batch.SizeInBytes)), $"CRC of batch at {batch.BaseOffset}");
            if (batch.LastOffset >= log.LogStartOffset)
            {
                // -1 below the first known epoch: a crash may bring back records that were deleted, but not what the epoch file said of them.
                int epoch = log.EpochForOffset(Math.Max(batch.BaseOffset, log.LogStartOffset));
                Assert.True(epoch == batch.PartitionLeaderEpoch || epoch == -1, $"epoch {epoch} of the batch at {batch.BaseOffset}");
            }

            foreach (long offset in (long[])[batch.BaseOffset, batch.LastOffset])
            {
                Assert.True(segment.TryFind(offset, out BatchPosition found, out _), $"offset {offset}");
                Assert.Equal(position, found.Position);
                Assert.Equal(batch.SizeInBytes, found.Size);
            }

            Assert.Equal(position, segment.EndPositionOf(batch.BaseOffset));
            next = batch.LastOffset + 1;
        }

        Assert.Equal(segment.Size, segment.EndPositionOf(next));
        return next;
    }

    private static List<(int Position, RecordBatchHeader Header)> Batches(byte[] bytes)
    {
        List<(int Position, RecordBatchHeader Header)> batches = [];
        int at = 0;
        while (at < bytes.Length)
        {
            Assert.True(RecordBatchHeader.TryRead(bytes.AsSpan(at), out RecordBatchHeader header), $"a batch at {at} of {bytes.Length}");
            batches.Add((at, header));
            at += header.SizeInBytes;
        }

        Assert.Equal(bytes.Length, at);
        return batches;
    }

    private static void CheckOffsetIndex(byte[] index, long baseOffset, List<(int Position, RecordBatchHeader Header)> batches)
    {
        Assert.Equal(0, index.Length % 8);
        for (int at = 0; at < index.Length; at += 8)
        {
            int position = BinaryPrimitives.ReadInt32BigEndian(index.AsSpan(at + 4));
            RecordBatchHeader batch = batches.Single(b => b.Position == position).Header;
            Assert.Equal(batch.LastOffset, baseOffset + BinaryPrimitives.ReadInt32BigEndian(index.AsSpan(at)));
        }
    }

    private static void CheckTimeIndex(byte[] index, long baseOffset, List<(int Position, RecordBatchHeader Header)> batches, bool isCleaned)
    {
        Assert.Equal(0, index.Length % 12);
        long previous = -1;
        for (int at = 0; at < index.Length; at += 12)
        {
            long timestamp = BinaryPrimitives.ReadInt64BigEndian(index.AsSpan(at));
            long offset = baseOffset + BinaryPrimitives.ReadInt32BigEndian(index.AsSpan(at + 8));
            Assert.True(timestamp > previous);
            Assert.Equal(timestamp, batches.Single(b => b.Header.LastOffset == offset).Header.MaxTimestamp);
            previous = timestamp;
        }

        // Batches that compaction has emptied count for no timestamp, unless the index was built again from headers.
        if (isCleaned && previous == batches.Where(b => b.Header.RecordCount > 0).Select(b => b.Header.MaxTimestamp).DefaultIfEmpty(-1).Max())
        {
            return;
        }

        if (batches.Count > 0)
        {
            Assert.Equal(batches.Max(b => b.Header.MaxTimestamp), previous);
        }
    }
}
