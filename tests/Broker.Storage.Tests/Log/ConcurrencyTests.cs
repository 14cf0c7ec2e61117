using Broker.Protocol.Records;

namespace Broker.Storage.Tests;

public class ConcurrencyTests
{
    [Fact]
    public async Task Readers_without_a_lock_see_whole_batches_in_order_while_a_writer_appends_and_rolls()
    {
        using LogRig rig = new(LogRig.Topic(("segment.bytes", "5000"), ("index.interval.bytes", "300")));
        PartitionLog log = rig.Log;
        const int Count = 3000;
        Task[] readers = [.. Enumerable.Range(0, 3).Select(_ => Task.Run(() => ReadAll(log, Count)))];
        for (int i = 0; i < Count; i++)
        {
            log.AppendAsLeader(Batches.Of($"{i}"), 0, AppendOrigin.Client);
            log.AdvanceHighWatermark(i + 1);
        }

        await Task.WhenAll(readers);
        LogConsistency.Check(log);
    }

    private static void ReadAll(PartitionLog log, int count)
    {
        long next = 0;
        while (next < count)
        {
            long bound = log.HighWatermark;
            byte[] bytes = LogReader.Bytes(log.Read(next, 1000, minOneBatch: true, bound));
            for (int at = 0; at + RecordBatchHeader.Size <= bytes.Length;)
            {
                Assert.True(RecordBatchHeader.TryRead(bytes.AsSpan(at), out RecordBatchHeader header));
                if (header.SizeInBytes > bytes.Length - at)
                {
                    break;
                }

                Assert.Equal(next, header.BaseOffset);
                Assert.True(header.LastOffset < bound);
                Assert.True(RecordBatchHeader.HasValidCrc(bytes.AsSpan(at, header.SizeInBytes)));
                next = header.LastOffset + 1;
                at += header.SizeInBytes;
            }
        }
    }
}
