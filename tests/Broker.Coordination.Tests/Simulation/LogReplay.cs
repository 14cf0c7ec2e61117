using Broker.Protocol.Records;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.Coordination.Tests.Simulation;

/// <summary>The way records really go: through their bytes, in batches, and back through the loader, whose buffer is smaller than some batches.</summary>
internal static class LogReplay
{
    private const int BufferBytes = 512;

    public static void Into(GroupShard shard, IReadOnlyList<GroupRecord> records, CompressionCodec codec = CompressionCodec.None)
    {
        var log = new MemoryLog();
        for (int i = 0; i < records.Count;)
        {
            var batch = new RecordBatchBuilder(new RecordBatchOptions { Codec = codec });
            int size = 1 + (i % 4);
            for (int j = 0; j < size && i < records.Count; j++, i++)
            {
                batch.Append(1_700_000_000_000 + i, GroupRecordCodec.EncodeKey(records[i]), GroupRecordCodec.EncodeValue(records[i]));
            }
            log.Append(0, batch.Build());
        }
        Load(shard, log);
    }

    public static void Load(GroupShard shard, MemoryLog log, int partition = 0) =>
        new GroupLoader(log, partition, BufferBytes, new CoordinatorClock(TimeProvider.System), NullLogger.Instance).Load(shard, () => false);
}
