using System.Buffers.Binary;
using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

/// <summary>Opens a disk that a crash left and compares everything a client could ask with what the campaign knows.</summary>
internal sealed class CampaignCheck(CampaignModel model, TopicConfig config, TimeProvider clock, bool hasMoves)
{
    /// <summary>With <paramref name="goesOn"/> the log is also used, stopped cleanly and opened once more.</summary>
    public void Check(SimulatedDisk disk, long minEnd, Random random, bool goesOn)
    {
        LogManager manager = CampaignRun.OpenManager(disk, clock, config, hasMoves);
        Assert.True(manager.Directories.All(d => d.IsOnline), "the directory comes online");
        PartitionLog? log = manager.Find(LogRig.Partition);
        if (model.IsReplaced)
        {
            // Old or new: that is decided by whoever created the topic; it has to open, no more.
            manager.Abandon();
            return;
        }

        if (log is null)
        {
            Assert.True(minEnd == 0, $"the log is missing, {minEnd} was promised");
            manager.Abandon();
            return;
        }

        Assert.True(log.TopicId == model.TopicId || (minEnd == 0 && log.TopicId == Guid.Empty), $"topic id {log.TopicId}");
        log.AdvanceHighWatermark(long.MaxValue);
        CheckLog(disk, log, minEnd, random);
        if (hasMoves)
        {
            FinishMove(disk, manager, log, minEnd, random);
        }

        if (goesOn)
        {
            manager = GoOn(disk, manager, log);
        }

        manager.Abandon();
    }

    /// <summary>What moved goes on moving, and is the same at its end.</summary>
    private void FinishMove(SimulatedDisk disk, LogManager manager, PartitionLog log, long minEnd, Random random)
    {
        LogDirectory? destination = log.Future?.Directory;
        CampaignRun.TakeStartOfCopy(model, log);
        long end = log.LogEndOffset;
        for (int step = 0; manager.Mover.StepNext(out _); step++)
        {
            Assert.True(step < 1000, "the move ends");
        }

        Assert.Null(log.Future);
        Assert.True(destination is null || log.Directory == destination, $"it moves to {destination?.Path}, and is in {log.Directory.Path}");
        Assert.Equal(end, log.LogEndOffset);
        CheckLog(disk, log, minEnd, random);
    }

    public void CheckLog(SimulatedDisk disk, PartitionLog log, long minEnd, Random random)
    {
        Assert.True(log.LogStartOffset <= Math.Max(model.MaxStart, 0), $"log start {log.LogStartOffset} <= {model.MaxStart}");
        Assert.True(log.LogEndOffset >= minEnd, $"log end {log.LogEndOffset} >= {minEnd}: what was promised is there");
        LogConsistency.Check(log, disk);
        CheckRecords(disk, log);
        CheckProducers(log);
        CheckAborted(log);
        CheckTimestamp(log, clock.GetUtcNow().ToUnixTimeMilliseconds() + random.Next(-60_000, 30_000));
    }

    private static byte[] ReadAll(SimulatedDisk disk, PartitionLog log, long from)
    {
        using MemoryStream all = new();
        long next = from;
        while (next < log.LogEndOffset)
        {
            ReadResult read = log.Read(next, 300, minOneBatch: true, long.MaxValue);
            Assert.Equal(ErrorCode.None, read.Error);
            byte[] bytes = new byte[read.Slice.Length];
            Assert.True(bytes.Length > 0, $"a read at {next} below the end {log.LogEndOffset} finds something");
            Assert.Equal(bytes.Length, disk.Read(read.Slice.File, bytes, read.Slice.Position));
            int whole = 0;
            while (bytes.Length - whole >= RecordBatchHeader.Size
                && RecordBatchHeader.TryRead(bytes.AsSpan(whole), out RecordBatchHeader header) && header.SizeInBytes <= bytes.Length - whole)
            {
                whole += header.SizeInBytes;
                next = header.LastOffset + 1;
            }

            Assert.True(whole > 0, $"the read at {next} holds a whole batch");
            all.Write(bytes, 0, whole);
        }

        return all.ToArray();
    }

    private void CheckRecords(SimulatedDisk disk, PartitionLog log)
    {
        byte[] bytes = ReadAll(disk, log, log.LogStartOffset);
        long next = -1;
        for (int at = 0; at < bytes.Length;)
        {
            Assert.True(RecordBatchHeader.TryRead(bytes.AsSpan(at), out RecordBatchHeader header));
            Assert.True(next < 0 ? header.BaseOffset <= log.LogStartOffset : header.BaseOffset == next, $"offset {header.BaseOffset} follows {next}");
            WrittenBatch? written = model.Batches.Find(b => b.First == header.BaseOffset);
            Assert.True(written is not null && written.IsSameAs(bytes.AsSpan(at, header.SizeInBytes)), $"the batch at {header.BaseOffset} is the one that was written");
            Assert.Equal(written.Epoch, header.PartitionLeaderEpoch);
            if (header.BaseOffset >= model.EverDeleted && header.BaseOffset >= log.LogStartOffset)
            {
                int epoch = log.EpochForOffset(header.BaseOffset);
                Assert.True(written.Epoch == epoch, $"leader epoch {epoch} at {header.BaseOffset}, written with {written.Epoch}; log start {log.LogStartOffset}, at most {model.MaxStart}");
            }

            next = header.LastOffset + 1;
            at += header.SizeInBytes;
        }

        Assert.Equal(log.LogEndOffset, Math.Max(next, log.LogStartOffset));
    }

    private void CheckProducers(PartitionLog log)
    {
        Dictionary<long, ProducerInfo> known = log.Producers().ToDictionary(static p => p.ProducerId);
        Dictionary<long, long> open = [];
        Dictionary<long, int> last = [];
        foreach (WrittenBatch batch in Present(log))
        {
            if (batch.IsCommit is not null)
            {
                open.Remove(batch.ProducerId);
                continue;
            }

            last[batch.ProducerId] = batch.First >= log.LogStartOffset ? batch.Sequence + batch.Count - 1 : last.GetValueOrDefault(batch.ProducerId, -1);
            if (batch.IsTransactional)
            {
                open.TryAdd(batch.ProducerId, batch.First);
            }
        }

        foreach ((long producer, int sequence) in last)
        {
            if (sequence < 0)
            {
                continue;
            }

            Assert.True(known.TryGetValue(producer, out ProducerInfo info), $"producer {producer} is known");
            Assert.True(sequence == info.LastSequence, $"producer {producer} is at sequence {sequence}, the log says {info.LastSequence}");
            long first = open.GetValueOrDefault(producer, -1);
            Assert.True(
                first == info.CurrentTransactionStartOffset || (first >= 0 && first < log.LogStartOffset),
                $"the open transaction of {producer} starts at {first}, the log says {info.CurrentTransactionStartOffset}");
        }
    }

    private void CheckAborted(PartitionLog log)
    {
        List<(long, long, long)> expected = [];
        Dictionary<long, long> open = [];
        foreach (WrittenBatch batch in Present(log))
        {
            if (batch.IsCommit is null && batch.IsTransactional)
            {
                open.TryAdd(batch.ProducerId, batch.First);
            }
            else if (batch.IsCommit is { } isCommit && open.Remove(batch.ProducerId, out long first) && !isCommit && first >= log.LogStartOffset)
            {
                expected.Add((batch.ProducerId, first, batch.Last));
            }
        }

        var found = log.AbortedTransactions(log.LogStartOffset, log.LogEndOffset).Select(a => (a.ProducerId, a.FirstOffset, a.LastOffset));
        Assert.Equal(expected, found.Where(a => a.LastOffset >= log.LogStartOffset && expected.Exists(e => e.Item3 == a.LastOffset)));
    }

    private void CheckTimestamp(PartitionLog log, long timestamp)
    {
        WrittenBatch? expected = Present(log).FirstOrDefault(b => b.TimestampMs >= timestamp && b.Last >= log.LogStartOffset);
        OffsetLookup? found = log.OffsetForTimestamp(timestamp);
        Assert.Equal(
            expected is null ? null : (Math.Max(expected.First, log.LogStartOffset), expected.TimestampMs),
            found is { } f ? ((long, long)?)(f.Offset, f.TimestampMs) : null);
    }

    private IEnumerable<WrittenBatch> Present(PartitionLog log) => model.Batches.TakeWhile(b => b.Last < log.LogEndOffset);

    /// <summary>Recognises the last batch of a producer, takes its next one, and is the same after a clean stop.</summary>
    private LogManager GoOn(SimulatedDisk disk, LogManager manager, PartitionLog log)
    {
        WrittenBatch? last = Present(log).LastOrDefault(b => b.First >= log.LogStartOffset && b.IsCommit is null && b.ProducerId < 4);
        if (last is not null)
        {
            byte[] retry = (byte[])last.Bytes.Clone();
            BinaryPrimitives.WriteInt64BigEndian(retry, 0);
            AppendResult again = log.AppendAsLeader(retry, model.Epoch, AppendOrigin.Client);
            Assert.Equal((ErrorCode.None, true, last.First), (again.Error, again.IsDuplicate, again.BaseOffset));
            RecordBatchBuilder next = new(new RecordBatchOptions { ProducerId = last.ProducerId, ProducerEpoch = 0, BaseSequence = last.Sequence + last.Count });
            next.Append(Batches.Now, null, "x"u8.ToArray());
            Assert.Equal((ErrorCode.None, log.LogEndOffset), log.AppendAsLeader(next.Build(), model.Epoch, AppendOrigin.Client) is var r ? (r.Error, r.BaseOffset) : default);
        }

        long end = log.LogEndOffset;
        manager.ShutdownAsync().GetAwaiter().GetResult();
        Assert.True(manager.Directories.All(d => d.IsOnline));
        LogConsistency.CheckFiles(log.DirectoryPath, disk);
        LogManager reopened = CampaignRun.OpenManager(disk, clock, config, hasMoves);
        Assert.Equal(end, reopened.Find(LogRig.Partition)!.LogEndOffset);
        LogConsistency.Check(reopened.Find(LogRig.Partition)!, disk);
        return reopened;
    }
}
