namespace Broker.Protocol.Records;

/// <summary>Who hands over records to be appended.</summary>
public enum ProduceOrigin
{
    /// <summary>A producer: nothing is believed.</summary>
    Client,

    /// <summary>A coordinator of this broker: may write control batches, and batches that do not start at offset 0.</summary>
    Coordinator,
}

/// <summary>What the log's configuration and position say about an append. A value, so that making one costs nothing.</summary>
public readonly record struct ProduceOptions()
{
    public ProduceOrigin Origin { get; init; } = ProduceOrigin.Client;

    /// <summary>Offset of the first record: the log end offset.</summary>
    public long FirstOffset { get; init; }

    public int PartitionLeaderEpoch { get; init; } = -1;

    /// <summary>The time of the append, ms since 1970.</summary>
    public long NowMs { get; init; }

    /// <summary>The topic's codec; null keeps whatever the producer chose (compression.type "producer").</summary>
    public CompressionCodec? TargetCodec { get; init; }

    /// <summary>Used when records must be compressed anew.</summary>
    public CompressionLevels Levels { get; init; }

    /// <summary>message.timestamp.type of the topic.</summary>
    public TimestampType TimestampType { get; init; } = TimestampType.CreateTime;

    /// <summary>How far a record's timestamp may lie before <see cref="NowMs"/>.</summary>
    public long TimestampBeforeMaxMs { get; init; } = long.MaxValue;

    /// <summary>How far a record's timestamp may lie after <see cref="NowMs"/>.</summary>
    public long TimestampAfterMaxMs { get; init; } = long.MaxValue;

    /// <summary>The topic is compacted: every record needs a key.</summary>
    public bool IsCompacted { get; init; }

    /// <summary>Largest batch, checked on what came and again on what was converted. The caller may leave it to itself.</summary>
    public int MaxBatchBytes { get; init; } = int.MaxValue;

    /// <summary>Most bytes a compressed batch may expand to.</summary>
    public int MaxDecompressedBytes { get; init; } = RecordCompression.DefaultMaxBytes;
}
