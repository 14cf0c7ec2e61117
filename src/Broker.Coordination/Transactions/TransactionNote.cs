namespace Broker.Coordination;

/// <summary>Something about a transaction that an operator wants to read in the log.</summary>
internal readonly record struct TransactionNote(TransactionNoteKind Kind, string TransactionalId, long ProducerId, short Epoch, string Text);

internal enum TransactionNoteKind
{
    Initialized,
    TimedOut,
    Fenced,
    Expired,
    MarkersDelayed,
    AppendFailed,
}
