namespace Broker.Protocol.Records;

/// <summary>
/// Records ready to be appended, or why they cannot be. Dispose it after the append: converted records lie in pooled memory.
/// </summary>
public readonly struct ProduceResult : IDisposable
{
    private readonly BoundedBuffer? _owned;

    private ProduceResult(ErrorCode error, string? message, IReadOnlyList<RefusedRecord>? refused)
    {
        Error = error;
        Message = message;
        Refused = refused;
        FirstOffset = LastOffset = MaxTimestamp = OffsetOfMaxTimestamp = -1;
    }

    internal ProduceResult(Memory<byte> records, BoundedBuffer? owned, in RecordSummary summary)
    {
        Records = records;
        _owned = owned;
        SourceCodec = summary.SourceCodec;
        RecordCount = summary.Count;
        FirstOffset = summary.FirstOffset;
        LastOffset = summary.FirstOffset + summary.Count - 1;
        MaxTimestamp = summary.MaxTimestamp;
        OffsetOfMaxTimestamp = summary.OffsetOfMaxTimestamp;
    }

    public ErrorCode Error { get; }

    /// <summary>For the producer; null when the code says all.</summary>
    public string? Message { get; }

    /// <summary>The records at fault; null when the error is not about single records.</summary>
    public IReadOnlyList<RefusedRecord>? Refused { get; }

    /// <summary>One batch of magic 2 with offsets, leader epoch and timestamps set: the memory handed in, patched, or converted bytes. Empty when there was nothing to append.</summary>
    public Memory<byte> Records { get; }

    /// <summary>True when <see cref="Records"/> is not the memory handed in.</summary>
    public bool IsConverted => _owned is not null;

    public CompressionCodec SourceCodec { get; }

    public int RecordCount { get; }

    public long FirstOffset { get; }

    public long LastOffset { get; }

    /// <summary>Ms since 1970; -1 when no record has a timestamp.</summary>
    public long MaxTimestamp { get; }

    /// <summary>Offset of the first record that has <see cref="MaxTimestamp"/>; -1 when none has a timestamp.</summary>
    public long OffsetOfMaxTimestamp { get; }

    /// <summary>Nothing to append and nothing wrong, as in an empty message set of an old producer.</summary>
    internal static ProduceResult Nothing { get; } = new(ErrorCode.None, null, null);

    internal static ProduceResult Failed(ErrorCode error, string message, IReadOnlyList<RefusedRecord>? refused = null) => new(error, message, refused);

    public void Dispose() => _owned?.Dispose();
}
