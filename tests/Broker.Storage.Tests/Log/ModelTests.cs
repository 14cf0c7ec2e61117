using Broker.Protocol;

namespace Broker.Storage.Tests;

/// <summary>
/// Random operations against a list in memory; the whole log is checked after each. A failure prints its seed. BROKER_MODEL_SEEDS sets how many seeds are run, BROKER_MODEL_SEED where they begin.
/// </summary>
public class ModelTests
{
    private const int Steps = 60;

    [Fact]
    public void The_log_agrees_with_a_list()
    {
        int count = CampaignSize.Of("BROKER_MODEL_SEEDS", 25);
        int first = CampaignSize.Of("BROKER_MODEL_SEED", Environment.TickCount & 0xffffff);
        for (int seed = first; seed < first + count; seed++)
        {
            Run(seed);
        }
    }

    /// <summary>To replay: put the printed seed here.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Known_seeds(int seed) => Run(seed);

    private static void Run(int seed)
    {
        Random random = new(seed);
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "1000"), ("index.interval.bytes", "200"), ("max.message.bytes", "900")));
        Model model = new();
        string history = "";
        try
        {
            for (int step = 0; step < Steps; step++)
            {
                history += Step(random, rig, model) + " ";
                model.Check(rig.Log, random);
                LogConsistency.Check(rig.Log);
            }

            rig.Stop();
            LogConsistency.CheckFiles(rig.PartitionPath);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed}, after: {history}", e);
        }
    }

    private static string Step(Random random, LogRig rig, Model model)
    {
        switch (random.Next(20))
        {
            case < 12:
                return Append(random, rig, model);
            case 12:
                rig.Restart();
                return "restart";
            case 13:
                // The page cache survives a killed process: nothing appended is lost.
                rig.Crash();
                rig.Log.AdvanceHighWatermark(long.MaxValue);
                model.ForgetStart(rig.Log.LogStartOffset);
                return "crash";
            case 14:
                return Truncate(random, rig, model);
            case 15:
                return DeleteRecords(random, rig, model);
            case 16:
                rig.Log.Flush();
                return "flush";
            case 17:
                rig.Advance(TimeSpan.FromMinutes(1));
                return "minute";
            default:
                return Append(random, rig, model);
        }
    }

    private static string Append(Random random, LogRig rig, Model model)
    {
        string[] values = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => new string((char)('a' + random.Next(26)), random.Next(0, 150)))];
        model.Epoch += random.Next(10) == 0 ? 1 : 0;
        long timestamp = Batches.Now + random.Next(1_000_000);
        AppendResult result = rig.Append(Batches.At(timestamp, values), model.Epoch);
        Assert.Equal((ErrorCode.None, model.End), (result.Error, result.BaseOffset));
        model.Add(values, timestamp);
        return $"append({values.Length})";
    }

    private static string Truncate(Random random, LogRig rig, Model model)
    {
        long offset = random.NextInt64(rig.Log.LogStartOffset, rig.Log.LogEndOffset + 1);
        long kept = model.TruncateTo(offset);
        Assert.Equal(ErrorCode.None, rig.Log.TruncateTo(offset));
        Assert.Equal(Math.Max(kept, rig.Log.LogStartOffset), rig.Log.LogEndOffset);
        return $"truncate({offset})";
    }

    private static string DeleteRecords(Random random, LogRig rig, Model model)
    {
        // Mostly a small step, so that there is something left to do.
        long offset = Math.Min(rig.Log.LogStartOffset + random.Next(20), rig.Log.HighWatermark);
        Assert.Equal(ErrorCode.None, rig.Log.DeleteRecords(offset));
        model.DeleteBelow(offset);
        return $"delete({offset})";
    }

    private sealed class Model
    {
        private readonly List<(long First, long Timestamp, string[] Values)> _batches = [];

        public int Epoch { get; set; }

        public long Start { get; private set; }

        public long End { get; private set; }

        public void Add(string[] values, long timestamp)
        {
            _batches.Add((End, timestamp, values));
            End += values.Length;
        }

        public long TruncateTo(long offset)
        {
            _batches.RemoveAll(b => b.First + b.Values.Length > offset);
            End = _batches.Count == 0 ? Math.Min(End, Math.Max(Start, 0)) : _batches[^1].First + _batches[^1].Values.Length;
            End = Math.Max(End, Start);
            return End;
        }

        public void DeleteBelow(long offset)
        {
            Start = Math.Max(Start, offset);
            _batches.RemoveAll(b => b.First + b.Values.Length <= Start);
        }

        /// <summary>The log start offset is only checkpointed now and then; a crash may bring records back, never lose some.</summary>
        public void ForgetStart(long start)
        {
            Assert.True(start <= Start);
        }

        public void Check(PartitionLog log, Random random)
        {
            Assert.Equal(End, log.LogEndOffset);
            Assert.True(log.LogStartOffset <= Start);
            if (log.LogStartOffset < Start)
            {
                Assert.Equal(ErrorCode.None, log.DeleteRecords(Start));
            }

            List<(long, string)> expected = [];
            foreach ((long first, _, string[] values) in _batches)
            {
                for (int i = 0; i < values.Length; i++)
                {
                    if (first + i >= Start)
                    {
                        expected.Add((first + i, values[i]));
                    }
                }
            }

            Assert.Equal(expected, LogReader.Records(log, Start));
            CheckTimestamp(log, Batches.Now + random.Next(1_000_000));
        }

        private void CheckTimestamp(PartitionLog log, long timestamp)
        {
            foreach ((long first, long batchTimestamp, string[] values) in _batches)
            {
                if (batchTimestamp >= timestamp)
                {
                    Assert.Equal((Math.Max(first, Start), batchTimestamp), (log.OffsetForTimestamp(timestamp)!.Value.Offset, log.OffsetForTimestamp(timestamp)!.Value.TimestampMs));
                    return;
                }
            }

            Assert.Null(log.OffsetForTimestamp(timestamp));
        }
    }
}
