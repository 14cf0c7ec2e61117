namespace Broker.Coordination;

/// <summary>
/// Whether the offsets partition of a group belongs to the open transaction of the producer that commits. <paramref name="Token"/> goes to the log with the
/// records; null when the transaction is open there already.
/// </summary>
public readonly record struct CommitVerification(ErrorCode Error, object? Token);
