namespace Broker.Storage;

/// <summary>State of one producer in one partition, as DescribeProducers shows it. -1 where there is none.</summary>
public readonly record struct ProducerInfo(
    long ProducerId,
    int ProducerEpoch,
    int LastSequence,
    long LastTimestampMs,
    int CoordinatorEpoch,
    long CurrentTransactionStartOffset);
