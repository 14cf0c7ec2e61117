namespace Broker.Coordination;

/// <summary>Whose transaction records belong to. <paramref name="Verification"/> goes to the log with them; null when the transaction is open there already.</summary>
internal sealed record TransactionalProducer(long ProducerId, short Epoch, object? Verification = null);
