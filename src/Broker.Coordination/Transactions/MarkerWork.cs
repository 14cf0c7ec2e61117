namespace Broker.Coordination;

/// <summary>Markers of one transaction that are to be written now. <paramref name="Attempt"/> comes back with the outcome, so that a late one is told apart.</summary>
public sealed record MarkerWork(
    string TransactionalId, long ProducerId, short ProducerEpoch, int CoordinatorEpoch, bool IsCommit, IReadOnlyList<TopicPartition> Partitions, long Attempt);
