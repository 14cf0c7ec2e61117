namespace Broker.Coordination;

/// <summary>Whose transaction records belong to.</summary>
internal sealed record TransactionalProducer(long ProducerId, short Epoch);
