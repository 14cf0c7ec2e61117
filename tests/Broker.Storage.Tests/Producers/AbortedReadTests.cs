using Broker.Protocol;
using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

/// <summary>What a reader is told of aborted transactions is about what it reads, not about all that lies behind.</summary>
public class AbortedReadTests
{
    [Fact]
    public void A_short_read_is_told_of_the_transactions_in_it_and_few_others()
    {
        using LogRig rig = new();
        for (int pid = 0; pid < 100; pid++)
        {
            var batch = new RecordBatchBuilder(new RecordBatchOptions { ProducerId = pid, ProducerEpoch = 0, BaseSequence = 0, IsTransactional = true });
            batch.Append(Batches.Now, null, new byte[2_000]);
            rig.Append(batch.Build());
            rig.Append(Batches.Marker(pid, 0, commit: false), origin: AppendOrigin.Coordinator);
        }

        PartitionLog log = rig.Log;
        Assert.Equal(100, log.AbortedTransactions(0, log.Read(0, int.MaxValue, true, log.LastStableOffset).EndOffset).Count);
        for (long offset = 0; offset < log.LogEndOffset; offset += 7)
        {
            ReadResult read = log.Read(offset, 10_000, true, log.LastStableOffset);
            byte[] bytes = new byte[read.Slice.Length];
            read.Slice.CopyTo(bytes);
            HashSet<long> wanted = [];
            for (ReadOnlySpan<byte> rest = bytes; RecordBatchHeader.TryRead(rest, out RecordBatchHeader batch) && batch.SizeInBytes <= rest.Length; rest = rest[batch.SizeInBytes..])
            {
                Assert.True(batch.LastOffset < read.EndOffset);
                wanted.Add(batch.ProducerId);
            }

            HashSet<long> told = [.. log.AbortedTransactions(offset, read.EndOffset).Select(aborted => aborted.ProducerId)];
            Assert.Superset(wanted, told);
            Assert.InRange(told.Count, wanted.Count, wanted.Count + 5);
        }
    }
}
