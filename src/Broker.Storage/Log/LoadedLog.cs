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
/// <param name="RecoveryPoint">Everything below is on the disk; after a clean stop that is the end of the log.</param>
/// <param name="HighWatermark">As of its checkpoint.</param>
/// <param name="LogStartOffset">Records below were deleted.</param>
/// <param name="CleanedUpTo">How far the cleaner came; -1 when it never was here.</param>
/// <param name="GapsBelow">A cleaner may have left gaps below this offset, whatever the topic's policy is now.</param>
internal readonly record struct LogCheckpoints(long RecoveryPoint, long HighWatermark, long LogStartOffset, long CleanedUpTo, long GapsBelow);
