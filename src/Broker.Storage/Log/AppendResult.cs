using Broker.Protocol;

namespace Broker.Storage;

/// <summary>One record that was refused, by its place in the batch (Produce v8+).</summary>
public readonly record struct RecordError(int BatchIndex, string? Message);

/// <summary>What an append did. Offsets are -1 when nothing was appended.</summary>
/// <param name="Error">None, or why nothing was appended.</param>
/// <param name="ErrorMessage">For the client; null when there is nothing to add to the code.</param>
/// <param name="RecordErrors">The refused records of an invalid batch; null when the error is not about records.</param>
/// <param name="BaseOffset">Offset of the first record.</param>
/// <param name="LastOffset">Offset of the last record.</param>
/// <param name="LogAppendTimeMs">Time given to the records under LogAppendTime, else -1. For a duplicate: the time of the batch already there.</param>
/// <param name="LogStartOffset">Log start offset after the append.</param>
/// <param name="IsDuplicate">True when an idempotent producer's retry was recognised; the offsets are those of the first attempt.</param>
public readonly record struct AppendResult(
    ErrorCode Error,
    string? ErrorMessage,
    IReadOnlyList<RecordError>? RecordErrors,
    long BaseOffset,
    long LastOffset,
    long LogAppendTimeMs,
    long LogStartOffset,
    bool IsDuplicate)
{
    /// <summary>flush.messages asks for a flush before the append is acknowledged: wait for <see cref="PartitionLog.FlushAsync"/>.</summary>
    public bool IsFlushDue { get; init; }

    internal static AppendResult Failed(ErrorCode error, string? message, long logStartOffset, IReadOnlyList<RecordError>? records = null) =>
        new(error, message, records, -1, -1, -1, logStartOffset, false);
}
