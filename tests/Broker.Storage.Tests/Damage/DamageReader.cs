using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

/// <summary>Reads a log as a consumer does: checks each batch's checksum, skips what it has, and steps over what is refused.</summary>
internal static class DamageReader
{
    /// <param name="disk">Where the log lies.</param>
    /// <param name="log">What to read.</param>
    /// <param name="known">What it holds without damage, to step over damage by; null when nothing may be refused.</param>
    /// <param name="random">Decides how much is read at a time.</param>
    public static HeldLog ReadAll(SimulatedDisk disk, PartitionLog log, HeldLog? known, Random random)
    {
        HeldLog held = new() { Start = log.LogStartOffset, End = log.LogEndOffset };
        long next = held.Start;
        while (next < held.End)
        {
            ReadResult read = log.Read(next, random.Next(4) == 0 ? 1 << 20 : random.Next(100, 600), minOneBatch: true, long.MaxValue);
            byte[] bytes = new byte[read.Slice.Length];
            if (bytes.Length > 0)
            {
                Assert.Equal(bytes.Length, disk.Read(read.Slice.File, bytes, read.Slice.Position));
            }

            long reached = Take(bytes, next, held);
            if (reached == next)
            {
                // Nothing readable here.
                Assert.True(known is not null || read.Error == ErrorCode.None, $"reading {log.TopicPartition} at {next} of {held.End} gave {read.Error}");
                Assert.True(known is not null, $"nothing to read in {log.TopicPartition} at {next} of {held.End}");
                Assert.True(read.Error is ErrorCode.None or ErrorCode.CorruptMessage, $"reading at {next} gave {read.Error}");
                held.Refusals.Add(next);
                if (bytes.Length > 0)
                {
                    held.BadBytes.Add(next);
                }

                reached = known.NextBehind(next);
            }

            next = reached;
        }

        held.Aborted = log.AbortedTransactions(held.Start, held.End);
        held.Producers = [.. log.Producers().OrderBy(p => p.ProducerId).Select(p => $"{p.ProducerId} {p.ProducerEpoch} {p.LastSequence} {p.LastTimestampMs} {p.CurrentTransactionStartOffset}")];
        return held;
    }

    /// <summary>The offset behind the last sound batch.</summary>
    private static long Take(byte[] bytes, long next, HeldLog held)
    {
        RecordBatchScanner scanner = new(bytes, verifyCrc: true);
        while (scanner.MoveNext())
        {
            StoredBatch batch = StoredBatch.Parse(scanner);
            held.Batches.Add(new HeldBatch(batch.BaseOffset, batch.LastOffset, batch.Magic == 2 ? batch.Header.PartitionLeaderEpoch : -1, batch.Records));
            next = Math.Max(next, batch.LastOffset + 1);
        }

        return next;
    }
}
