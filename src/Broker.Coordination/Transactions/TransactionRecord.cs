namespace Broker.Coordination;

/// <summary>A transactional id in __transaction_state, or its tombstone when <paramref name="Value"/> is null.</summary>
internal sealed record TransactionRecord(string TransactionalId, TransactionSnapshot? Value, short ValueVersion = 0) : CoordinatorRecord
{
    public override long EstimatedBytes => 64 + TransactionalId.Length + (Value?.Partitions.Sum(partition => 8L + partition.Topic.Length) ?? 0);

    public override byte[] EncodeKey() => TransactionRecordCodec.EncodeKey(TransactionalId);

    public override byte[]? EncodeValue() => Value is null ? null : TransactionRecordCodec.EncodeValue(Value, ValueVersion);
}
