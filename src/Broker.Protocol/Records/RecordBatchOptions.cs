namespace Broker.Protocol.Records;

/// <summary>What a batch says of itself besides its records.</summary>
public sealed record RecordBatchOptions
{
    public static RecordBatchOptions Default { get; } = new();

    public long BaseOffset { get; init; }

    public int PartitionLeaderEpoch { get; init; } = -1;

    public CompressionCodec Codec { get; init; }

    /// <summary>Null for the codec's default.</summary>
    public int? Level { get; init; }

    public TimestampType TimestampType { get; init; }

    /// <summary>Under LogAppendTime the time of every record, ms since 1970; -1 takes the largest timestamp of the records.</summary>
    public long LogAppendTimeMs { get; init; } = -1;

    public long ProducerId { get; init; } = -1;

    public short ProducerEpoch { get; init; } = -1;

    public int BaseSequence { get; init; } = -1;

    public bool IsTransactional { get; init; }

    public bool IsControl { get; init; }

    /// <summary>Ms since 1970 when the tombstones of the batch, or its transaction marker, may be removed; -1 when that is not decided. Set by compaction.</summary>
    public long DeleteHorizonMs { get; init; } = -1;

    /// <summary>Offset delta that the batch ends with though its last record has a smaller one, as in compacted batches; -1 takes that of the last record.</summary>
    public int LastOffsetDelta { get; init; } = -1;
}
