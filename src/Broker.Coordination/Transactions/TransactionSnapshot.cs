using System.Collections.Immutable;

namespace Broker.Coordination;

/// <summary>All that is known of a transactional id at one point of the log. Immutable: a transition makes the next one.</summary>
internal sealed record TransactionSnapshot
{
    public const short NoEpoch = -1;
    public const long NoProducer = -1;

    /// <summary>From this epoch on a producer gets a new id instead of a higher epoch; one more is left for fencing.</summary>
    public const short LastUsableEpoch = short.MaxValue - 1;

    public required long ProducerId { get; init; }
    public long PreviousProducerId { get; init; } = NoProducer;
    public long NextProducerId { get; init; } = NoProducer;
    public short Epoch { get; init; } = NoEpoch;

    /// <summary>The epoch before the last bump that a producer asked for: its retry is recognised by it. Not kept in the log.</summary>
    public short LastEpoch { get; init; } = NoEpoch;

    public int TimeoutMs { get; init; }
    public TransactionState State { get; init; }
    public ImmutableHashSet<TopicPartition> Partitions { get; init; } = [];
    public long LastUpdateMs { get; init; }
    public long StartMs { get; init; } = -1;
    public short ClientVersion { get; init; }

    public bool IsEpochExhausted => Epoch >= LastUsableEpoch;

    public bool IsPrepared => State is TransactionState.PrepareCommit or TransactionState.PrepareAbort;

    public bool IsComplete => State is TransactionState.CompleteCommit or TransactionState.CompleteAbort;

    public bool BumpsEpoch => ClientVersion >= 2;
}
