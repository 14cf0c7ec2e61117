using System.Text;
using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

/// <summary>
/// Random operations on a compacted log against <see cref="CleaningModel"/>. A failure prints its seed and what was done. BROKER_MODEL_SEEDS sets how many seeds
/// are run, BROKER_MODEL_SEED where they begin.
/// </summary>
public class CleaningModelTests
{
    private const int Steps = 50;
    private const long FirstIdempotent = 10;
    private const long FirstTransactional = 20;

    [Fact]
    public void The_log_keeps_what_the_model_keeps()
    {
        int count = CampaignSize.Of("BROKER_MODEL_SEEDS", 500);
        int first = CampaignSize.Of("BROKER_MODEL_SEED", Environment.TickCount & 0xffffff);
        Parallel.For(first, first + count, new ParallelOptions { MaxDegreeOfParallelism = 2 }, Run);
    }

    /// <summary>To replay: put the printed seed here.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(15973468)]
    [InlineData(2630983)]
    public void Known_seeds(int seed) => Run(seed);

    private static void Run(int seed)
    {
        Random random = new(seed);
        using LogRig rig = new(Config(random), new UnflushedFiles(), hasThreads: false);
        rig.Cleaner = rig.Cleaner with
        {
            DedupeBufferBytes = (random.Next(3) == 0 ? 8 : 1000) * KeyOffsetMap.EntryBytes,
            IoBufferBytes = random.Next(2) == 0 ? 256 : 65536,
        };
        StringBuilder history = new();
        try
        {
            CleaningModel model = new();
            for (int step = 0; step < Steps; step++)
            {
                (string did, bool changesMuch) = Step(random, rig, model);
                history.Append(did).Append(' ');
                if (changesMuch || random.Next(10) == 0)
                {
                    model.Check(rig.Log);
                }
            }

            model.Check(rig.Log);
            rig.Stop();
            LogConsistency.CheckFiles(rig.PartitionPath, isCleaned: true);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed}: {e.Message} After: {history}", e);
        }
    }

    private static Configuration.TopicConfig Config(Random random) => CleaningRig.Compacted(
        ("segment.bytes", random.Next(2) == 0 ? "500" : "2000"),
        ("index.interval.bytes", "100"),
        ("max.message.bytes", "480"),
        ("segment.ms", random.Next(2) == 0 ? "60000" : "604800000"),
        ("delete.retention.ms", random.Next(3) switch { 0 => "0", 1 => "60000", _ => "86400000" }),
        ("file.delete.delay.ms", random.Next(2) == 0 ? "0" : "60000"),
        ("min.cleanable.dirty.ratio", random.Next(2) == 0 ? "0" : "0.3"),
        ("cleanup.policy", random.Next(3) == 0 ? "compact,delete" : "compact"),
        ("retention.ms", "1200000"));

    private static (string Did, bool ChangesMuch) Step(Random random, LogRig rig, CleaningModel model)
    {
        switch (random.Next(24))
        {
            case < 8:
                return (Append(random, rig, model, random.Next(2) == 0 ? -1 : FirstIdempotent + random.Next(2), isTransactional: false), false);
            case < 12:
                return (Append(random, rig, model, FirstTransactional + random.Next(3), isTransactional: true), false);
            case < 14:
                return (EndTransaction(random, rig, model), false);
            case 14:
                return (Retry(random, rig, model), false);
            case < 18:
                return ($"clean({rig.Manager.Cleaner.CleanNext()})", true);
            case 18:
                rig.Log.Roll();
                return ("roll", false);
            case 19:
                return (Reopen(random, rig, model), true);
            case 20:
                return (Truncate(random, rig, model), true);
            case 21:
                long offset = Math.Min(rig.Log.LogStartOffset + random.Next(10), rig.Log.HighWatermark);
                Assert.Equal(ErrorCode.None, rig.Log.DeleteRecords(offset));
                model.DeleteBelow(offset);
                return ($"delete({offset})", true);
            case 22:
                rig.Clock.Advance(TimeSpan.FromSeconds(random.Next(120)));
                rig.Log.Flush();
                return ("flush", false);
            default:
                rig.Advance(TimeSpan.FromMinutes(random.Next(1, 8)));
                Assert.True(rig.Config.IsDeleted || rig.Log.LogStartOffset == model.Start);
                model.DeleteBelow(rig.Log.LogStartOffset);
                return ("minutes", true);
        }
    }

    private static string Append(Random random, LogRig rig, CleaningModel model, long producerId, bool isTransactional)
    {
        (string Key, string? Value)[] records = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ =>
            ($"k{random.Next(12)}", random.Next(4) == 0 ? null : new string((char)('a' + random.Next(26)), random.Next(1, 30))))];
        RecordBatchOptions options = new()
        {
            ProducerId = producerId,
            ProducerEpoch = producerId < 0 ? (short)-1 : (short)0,
            BaseSequence = producerId < 0 ? -1 : model.NextSequence(producerId),
            IsTransactional = isTransactional,
            Codec = random.Next(3) == 0 ? (CompressionCodec)random.Next(1, 5) : CompressionCodec.None,
        };
        AppendResult result = rig.Append(Build(options, records, rig.Clock.GetUtcNow().ToUnixTimeMilliseconds()));
        Assert.Equal((ErrorCode.None, model.End), (result.Error, result.BaseOffset));
        model.Append(producerId, isTransactional, records);
        return $"append({producerId},{records.Length}@{result.BaseOffset})";
    }

    /// <summary>A producer sends its last batch again: it is known, wherever cleaning has left it.</summary>
    private static string Retry(Random random, LogRig rig, CleaningModel model)
    {
        long producerId = FirstIdempotent + random.Next(2);
        if (model.LastOf(producerId) is not { } last || last.Sequence + last.Records.Length != model.NextSequence(producerId))
        {
            return "no-retry";
        }

        RecordBatchOptions options = new() { ProducerId = producerId, ProducerEpoch = 0, BaseSequence = last.Sequence };
        AppendResult result = rig.Append(Build(options, last.Records, Batches.Now));
        Assert.Equal((ErrorCode.None, true, last.First, last.Last), (result.Error, result.IsDuplicate, result.BaseOffset, result.LastOffset));
        return $"retry({producerId})";
    }

    private static string EndTransaction(Random random, LogRig rig, CleaningModel model)
    {
        long producerId = FirstTransactional + random.Next(3);
        if (!model.IsOpen(producerId))
        {
            return "no-end";
        }

        bool isCommit = random.Next(2) == 0;
        long nowMs = rig.Clock.GetUtcNow().ToUnixTimeMilliseconds();
        byte[] marker = RecordBatchBuilder.TransactionMarker(0, -1, producerId, 0, isCommit, 0, nowMs);
        Assert.Equal((ErrorCode.None, model.End), (rig.Append(marker, origin: AppendOrigin.Coordinator) is var r ? (r.Error, r.BaseOffset) : default));
        model.EndTransaction(producerId, isCommit);
        return $"{(isCommit ? "commit" : "abort")}({producerId}@{model.End - 1})";
    }

    private static string Reopen(Random random, LogRig rig, CleaningModel model)
    {
        bool isClean = random.Next(2) == 0;
        if (isClean)
        {
            rig.Restart();
        }
        else
        {
            rig.Crash();
        }

        rig.Log.AdvanceHighWatermark(long.MaxValue);
        if (!isClean && rig.Log.LogStartOffset < model.Start)
        {
            // The log start offset is only checkpointed now and then.
            Assert.Equal(ErrorCode.None, rig.Log.DeleteRecords(model.Start));
        }

        model.ForgetDeletedProducers(rig.Log);
        return isClean ? "restart" : "crash";
    }

    private static string Truncate(Random random, LogRig rig, CleaningModel model)
    {
        long cleaned = Math.Max(rig.Log.CleanedUpTo, rig.Log.LogStartOffset);
        long from = random.Next(5) == 0 ? rig.Log.LogStartOffset : Math.Min(cleaned, rig.Log.LogEndOffset);
        long offset = random.NextInt64(from, rig.Log.LogEndOffset + 1);
        if (offset == rig.Log.LogEndOffset)
        {
            return "no-truncate";
        }

        Assert.Equal(ErrorCode.None, rig.Log.TruncateTo(offset));

        // The end of a transaction that was cleaned with the others may be cut off, too.
        model.TruncateTo(offset, rig.Log, isInCleanedPart: offset < cleaned || rig.Log.LastStableOffset < cleaned);
        return $"truncate({offset}{(offset < cleaned ? ",cleaned" : "")})";
    }

    private static byte[] Build(RecordBatchOptions options, (string Key, string? Value)[] records, long timestampMs)
    {
        RecordBatchBuilder builder = new(options);
        foreach ((string key, string? value) in records)
        {
            builder.Append(timestampMs, Encoding.UTF8.GetBytes(key), value is null ? null : Encoding.UTF8.GetBytes(value));
        }

        return builder.Build();
    }

    /// <summary>The page cache survives what these tests do to a process, and thousands of seeds do not wait for a disk.</summary>
    private sealed class UnflushedFiles : LogFiles
    {
        public override void Flush(Microsoft.Win32.SafeHandles.SafeFileHandle file)
        {
        }

        public override void FlushDirectory(string path)
        {
        }
    }
}
