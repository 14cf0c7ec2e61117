using Broker.Protocol;

namespace Broker.Storage;

/// <summary>What <see cref="LogLoader"/> found or made in a partition's directory.</summary>
internal sealed record LoadedLog(
    TopicPartition TopicPartition,
    Guid TopicId,
    string Path,
    LogSegment[] Segments,
    ProducerStates Producers,
    LeaderEpochs Epochs,
    long LogStartOffset,
    long LogEndOffset,
    long HighWatermark,
    long RecoveryPoint);

/// <summary>The directory's checkpoints for one partition; zero where there is no entry.</summary>
internal readonly record struct LogCheckpoints(long RecoveryPoint, long HighWatermark, long LogStartOffset);
