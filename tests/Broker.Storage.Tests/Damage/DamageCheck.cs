using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Storage.Tests;

/// <summary>
/// Starts on a damaged directory and compares all that it answers with what was written: nothing wrong is served, nothing is lost outside of what was hit, what is lost
/// is in the log by name, the logs take new records, and a second start finds nothing more to do.
/// </summary>
internal sealed class DamageCheck(DamagePoint point, Omission omits)
{
    private const string NewValue = "appended after the damage";

    private readonly DamageImage _image = point.Image;
    private readonly Dictionary<TopicPartition, HeldLog> _held = [];

    /// <summary>True when a wrong base offset went unnoticed, where nothing can know it.</summary>
    public bool IsUnprotected { get; private set; }

    public string Outcome { get; private set; } = "no effect";

    public void Run(Random random)
    {
        SimulatedDisk disk = _image.Disk.Copy();
        point.Apply(disk);
        using CapturedLog log = new();
        LogManager? manager = Open(disk, log);
        if (manager is null)
        {
            return;
        }

        foreach ((TopicPartition tp, HeldLog before) in _image.Held)
        {
            PartitionLog? partition = manager.Find(tp);
            Assert.True(partition is not null, $"{tp} is there");
            Assert.False(partition.IsOffline, $"{tp} is online; logged: {Text(log)}");
            if (partition.TopicId == Guid.Empty || partition.TopicId == DamageWorld.TopicId(tp))
            {
                manager.GetOrCreate(tp, DamageWorld.TopicId(tp), partition.Config);
            }
            else
            {
                // Another id in partition.metadata: refused by name.
                Assert.Throws<InconsistentTopicIdException>(() => manager.GetOrCreate(tp, DamageWorld.TopicId(tp), partition.Config));
            }

            partition.AdvanceHighWatermark(long.MaxValue);
            CheckLog(disk, partition, before, log, random);
            Append(partition, before);
        }

        manager.ShutdownAsync().GetAwaiter().GetResult();
        Assert.True(manager.Directories[0].IsOnline, "the directory stays online");
        CheckAgain(disk, random);
    }

    private static string Text(CapturedLog log) => string.Join('\n', log.Lines.Select(l => $"{l.Level}: {l.Text}"));

    private static bool IsCheckpointOf(string name) => name is OffsetCheckpoint.LogStartOffsets;

    private LogManager? Open(SimulatedDisk disk, CapturedLog log)
    {
        try
        {
            LogManager manager = _image.World.Open(disk, log, _image.IsChanged, omits);
            Assert.True(manager.Directories[0].IsOnline, $"the directory comes online; logged: {Text(log)}");
            return manager;
        }
        catch (LoadException e)
        {
            Assert.True(point.FileKind == MetaProperties.FileName && e.Message.Contains(point.Path, StringComparison.Ordinal), $"refused: {e.Message}");
            Outcome = "refused";
            return null;
        }
    }

    private void CheckLog(SimulatedDisk disk, PartitionLog partition, HeldLog before, CapturedLog log, Random random)
    {
        TopicPartition tp = partition.TopicPartition;
        bool isHit = point.Partition == tp;
        HeldLog held = DamageReader.ReadAll(disk, partition, before, random);
        _held[tp] = held;
        CheckServed(tp, isHit, before, held);
        CheckLost(tp, isHit, before, held, log);
        if (!isHit)
        {
            bool isStart = IsCheckpointOf(point.FileKind);
            Assert.True(isStart || before.Start == held.Start, $"{tp} starts at {held.Start}, not at {before.Start}");
            Assert.Equal(before.End, held.End);
            Assert.Equal(Known(tp, before), Known(tp, held));
            Assert.True(isStart || SameAborted(before, held, partition, random), $"aborted transactions of {tp}");
        }
        else if (!point.IsLog)
        {
            Assert.Equal(before.End, held.End);

            // A leader epoch that seems to start below the log start offset: which of the two files is wrong nobody can tell, so nothing is deleted.
            Assert.True(held.Start == before.Start || (held.Start < before.Start && point.FileKind == LogFileNames.LeaderEpochs), $"{tp} starts at {held.Start}, not at {before.Start}");
            Assert.True(Known(tp, before).SequenceEqual(Known(tp, held)), $"producers of {tp}: {string.Join("; ", before.Producers)} became {string.Join("; ", held.Producers)}");
            bool isUnknown = point.FileKind.StartsWith(LogFileNames.TransactionIndex, StringComparison.Ordinal) && point.LeavesNothing;
            Assert.True(isUnknown || SameAborted(before, held, partition, random), $"aborted transactions of {tp}: {string.Join("; ", before.Aborted)} became {string.Join("; ", held.Aborted)}");
        }

        CheckTimes(partition, isHit, held, random);
        if (held.Refusals.Count > 0)
        {
            Outcome = "refused";
        }
        else if (log.Lines.Any(l => l.Level >= LogLevel.Warning))
        {
            Outcome = held.Records.Count() < before.Records.Count() ? "cut" : "rebuilt";
        }
    }

    /// <summary>Each record is one that was written, at its own offset.</summary>
    private void CheckServed(TopicPartition tp, bool isHit, HeldLog before, HeldLog held)
    {
        Dictionary<long, StoredRecord> truth = _image.World.Written[tp];
        long next = -1;
        foreach (HeldBatch batch in held.Batches)
        {
            bool isRight = batch.First > next && batch.Records.All(r => truth.GetValueOrDefault(r.Offset) == (r.IsControl ? r with { Key = null } : r)) && batch.Last < before.End;
            if (!isRight)
            {
                Assert.True(isHit && MayServeWrongOffset(tp), $"batch {batch.First}-{batch.Last} of {tp} behind {next} is not what was written");
                IsUnprotected = true;
                continue;
            }

            next = batch.Last;
        }

        if (held.BadBytes.Count > 0)
        {
            Assert.True(isHit && point.IsLog, $"bad bytes of {tp} at {held.BadBytes[0]} were served");
            Assert.True(
                !_image.IsScanned(tp, point.SegmentBase) || point.FileKind != LogFileNames.Log || held.BadBytes.All(o => o < point.SegmentBase),
                $"recovery of {tp} left bad bytes at {held.BadBytes[0]}");
        }
    }

    private bool MayServeWrongOffset(TopicPartition tp) =>
        point.HitsBaseOffset && DamageWorld.HasGaps(tp);

    private void CheckLost(TopicPartition tp, bool isHit, HeldLog before, HeldLog held, CapturedLog log)
    {
        HashSet<long> served = [.. held.Records.Select(r => r.Offset)];
        long[] lost = [.. before.Records.Select(r => r.Offset).Where(o => !served.Contains(o))];
        if (lost.Length == 0)
        {
            return;
        }

        bool isStart = IsCheckpointOf(point.FileKind);
        Assert.True((isHit && point.IsLog) || isStart, $"{tp} lost {lost.Length} records from {lost[0]} on; logged: {Text(log)}");
        // Appended after the last checkpoints, and gone without a trace: no other file knows of it.
        bool isUnknown = point.Kind != DamageKind.Flip && !_image.IsClean && lost[0] >= _image.HighWatermarks.GetValueOrDefault(tp);
        bool isNamed = isUnknown || log.Names(tp.ToString()) || held.Refusals.Count > 0 || IsUnprotected || (point.HitsBaseOffset && MayServeWrongOffset(tp));
        Assert.True(isNamed, $"{tp} lost {lost.Length} records from {lost[0]} on without a word; logged: {Text(log)}");

        // Two batches that overlap behind a gap: which of them claims a wrong base offset nobody can tell, so neither is served.
        long from = isStart ? held.Start : point.HitsBaseOffset && DamageWorld.HasGaps(tp) ? point.NeighbourFirst : point.BatchFirst;
        Assert.True(isStart ? lost.All(o => o < from) : lost.All(o => o >= from), $"{tp} lost {lost[0]}, which was not hit");
    }

    /// <summary>Without timestamps where compaction may have removed the record that had a batch's latest: a producer that is read from the log may expire a little earlier.</summary>
    private static IEnumerable<string> Known(TopicPartition tp, HeldLog held) => DamageWorld.HasGaps(tp)
        ? held.Producers.Select(p => p.Split(' ')).Select(p => string.Join(' ', p.Where((_, i) => i != 3)))
        : held.Producers;

    /// <summary>All of them, and those of a part, which a search may leave out when it ends too early.</summary>
    private static bool SameAborted(HeldLog before, HeldLog held, PartitionLog partition, Random random)
    {
        static IEnumerable<(long, long, long)> Essence(IEnumerable<AbortedTransaction> aborted) => aborted.Select(a => (a.ProducerId, a.FirstOffset, a.LastOffset));

        long from = random.NextInt64(held.Start, held.End + 1);
        long to = random.NextInt64(from, held.End + 1);
        return Essence(before.Aborted).SequenceEqual(Essence(held.Aborted))
            && Essence(before.Aborted.Where(a => a.LastOffset >= from && a.FirstOffset < to)).SequenceEqual(Essence(partition.AbortedTransactions(from, to)));
    }

    private void CheckTimes(PartitionLog partition, bool isHit, HeldLog held, Random random)
    {
        StoredRecord[] records = [.. held.Records];
        if (records.Length == 0)
        {
            return;
        }

        for (int i = 0; i < 3; i++)
        {
            long target = records[random.Next(records.Length)].TimestampMs + random.Next(-40, 40);
            StoredRecord? expected = records.FirstOrDefault(r => r.TimestampMs >= target);
            OffsetLookup? found = partition.OffsetForTimestamp(target);
            if (isHit && (point.IsLog || (point.FileKind.StartsWith(LogFileNames.TimeIndex, StringComparison.Ordinal) && point.Kind == DamageKind.Truncate)))
            {
                bool isTrue = found is not { } f || IsUnprotected
                    || (_image.World.Written[partition.TopicPartition].TryGetValue(f.Offset, out StoredRecord? record) && record.TimestampMs == f.TimestampMs && f.TimestampMs >= target);
                Assert.True(isTrue, $"searching {target} found {found}");
                continue;
            }

            Assert.True(
                (expected?.Offset, expected?.TimestampMs) == (found?.Offset, found?.TimestampMs),
                $"searching {target} in {partition.TopicPartition} found {found}, expected {expected?.Offset} of {expected?.TimestampMs}");
        }
    }

    private void Append(PartitionLog partition, HeldLog before)
    {
        long end = partition.LogEndOffset;
        AppendResult result = partition.AppendAsLeader(Batches.Keyed("new", NewValue), 1000, AppendOrigin.Client);
        Assert.Equal((ErrorCode.None, end), (result.Error, result.BaseOffset));
        partition.AdvanceHighWatermark(long.MaxValue);
        Assert.True(end >= before.Start, $"appended at {end}");
    }

    private void CheckAgain(SimulatedDisk disk, Random random)
    {
        using CapturedLog log = new();
        LogManager manager = _image.World.Open(disk, log, _image.IsChanged, omits);
        Assert.True(manager.Directories[0].IsOnline, "the directory comes online again");
        Assert.True(log.Lines.All(l => l.Level < LogLevel.Warning), $"the second start has more to do: {Text(log)}");
        foreach ((TopicPartition tp, HeldLog held) in _held)
        {
            PartitionLog partition = manager.Find(tp)!;
            HeldLog again = DamageReader.ReadAll(disk, partition, Known(_image.Held[tp], held), random);
            Assert.Equal((held.Start, held.End + 1), (again.Start, again.End));
            if (point.Partition == tp && MayServeWrongOffset(tp))
            {
                // What a consumer makes of it depends on where its reads begin.
                continue;
            }

            string[] expected = [.. held.Records.Select(r => $"{r}"), NewValue];
            string[] found = [.. again.Records.Select(r => r.Value == NewValue ? NewValue : $"{r}")];
            Assert.True(expected.SequenceEqual(found), $"{tp} serves {found.Length} records at the second start, {expected.Length} at the first");
        }

        manager.Abandon();
    }

    /// <summary>Where to go on behind damage, now that a record was appended.</summary>
    private static HeldLog Known(HeldLog before, HeldLog held)
    {
        HeldLog known = new() { Start = held.Start, End = held.End };
        known.Batches.AddRange(before.Batches.Where(b => b.Last < held.End));
        return known;
    }
}
