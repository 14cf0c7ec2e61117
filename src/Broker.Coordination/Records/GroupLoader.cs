using Microsoft.Extensions.Logging;

namespace Broker.Coordination;

/// <summary>Reads one partition of __consumer_offsets into a shard of groups. One use; blocks on the disk.</summary>
internal sealed class GroupLoader(ICoordinatorLog log, int partition, int bufferBytes, CoordinatorClock clock, ILogger logger)
    : CoordinatorLoader<GroupShard>(GroupCoordinator.Topic, log, partition, bufferBytes, clock, logger)
{
    protected override bool TryApply(GroupShard shard, long transactionalProducerId, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte>? value)
    {
        GroupRecord? decoded = GroupRecordCodec.Decode(key, value);
        if (transactionalProducerId != NoTransaction && decoded is OffsetRecord commit)
        {
            shard.ApplyTransactional(transactionalProducerId, commit);
        }
        else if (decoded is not null)
        {
            shard.Apply(decoded);
        }
        return decoded is not null;
    }

    protected override void EndTransaction(GroupShard shard, long producerId, bool isCommit) => shard.EndTransaction(producerId, isCommit);

    protected override void Loaded(GroupShard shard, ILogger logger, int partition, long elapsedMs) =>
        CoordinationLog.LoadFinished(logger, shard.Groups.Count, shard.Groups.Sum(group => group.Offsets.Count), partition, elapsedMs);
}
