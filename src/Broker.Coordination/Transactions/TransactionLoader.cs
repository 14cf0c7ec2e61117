using Microsoft.Extensions.Logging;

namespace Broker.Coordination;

/// <summary>Reads one partition of __transaction_state into a shard of transactions. One use; blocks on the disk.</summary>
internal sealed class TransactionLoader(ICoordinatorLog log, int partition, int bufferBytes, CoordinatorClock clock, ILogger logger)
    : CoordinatorLoader<TransactionShard>(TransactionCoordinator.Topic, log, partition, bufferBytes, clock, logger)
{
    protected override bool TryApply(TransactionShard shard, long transactionalProducerId, ReadOnlyMemory<byte> key, ReadOnlyMemory<byte>? value)
    {
        TransactionRecord? record = TransactionRecordCodec.Decode(key, value);
        if (record is not null)
        {
            shard.Apply(record);
        }
        return record is not null;
    }

    protected override void Loaded(TransactionShard shard, ILogger logger, int partition, long elapsedMs) =>
        CoordinationLog.TransactionsLoaded(logger, shard.Count, partition, elapsedMs);
}
