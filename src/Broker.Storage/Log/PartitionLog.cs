using Broker.Configuration;
using Broker.Protocol;

namespace Broker.Storage;

/// <summary>The log of one partition.</summary>
public sealed class PartitionLog
{
    internal PartitionLog(TopicPartition topicPartition, Guid topicId, TopicConfig config, LogDirectory directory)
    {
        TopicPartition = topicPartition;
        TopicId = topicId;
        Config = config;
        Directory = directory;
    }

    public TopicPartition TopicPartition { get; }

    public Guid TopicId { get; }

    public TopicConfig Config { get; private set; }

    public LogDirectory Directory { get; }

    public bool IsOffline => throw new NotImplementedException();

    public long LogStartOffset => throw new NotImplementedException();

    public long LogEndOffset => throw new NotImplementedException();

    public long HighWatermark => throw new NotImplementedException();

    public long LastStableOffset => throw new NotImplementedException();

    public long SizeInBytes => throw new NotImplementedException();

    public int LatestLeaderEpoch => throw new NotImplementedException();

    public void UpdateConfig(TopicConfig config) => Config = config;

    /// <summary>Records where the epoch starts; a high watermark given replaces the one of the checkpoint.</summary>
    public void BecomeLeader(int leaderEpoch, long? highWatermark = null) => throw new NotImplementedException();

    /// <summary>Validates, assigns offsets, patches <paramref name="records"/> in place (the caller owns the memory) and writes. Magic 0 and 1 are converted.</summary>
    public AppendResult AppendAsLeader(Memory<byte> records, int leaderEpoch, AppendOrigin origin) => throw new NotImplementedException();

    /// <summary>Never backwards, never above the log end offset.</summary>
    public void AdvanceHighWatermark(long offset) => throw new NotImplementedException();

    /// <summary>From the batch that holds <paramref name="offset"/> up to the batch that holds <paramref name="upperBound"/> (exclusive), within one segment.</summary>
    public ReadResult Read(long offset, int maxBytes, bool minOneBatch, long upperBound) => throw new NotImplementedException();

    /// <summary>The first record with this timestamp or a later one.</summary>
    public OffsetLookup? OffsetForTimestamp(long timestampMs) => throw new NotImplementedException();

    /// <summary>The first record that has the largest timestamp of the log.</summary>
    public OffsetLookup? MaxTimestampOffset() => throw new NotImplementedException();

    /// <summary>ListOffsets v0: segment boundaries written before the time, newest first. -1 asks for the latest, -2 for the earliest.</summary>
    public IReadOnlyList<long> LegacyOffsetsBefore(long timestampMs, int maxCount) => throw new NotImplementedException();

    /// <summary>OffsetForLeaderEpoch: the largest epoch not above the asked one and where it ends; (-1, -1) when unknown.</summary>
    public (int Epoch, long EndOffset) EndOffsetForEpoch(int epoch) => throw new NotImplementedException();

    /// <summary>-1 when unknown.</summary>
    public int EpochForOffset(long offset) => throw new NotImplementedException();

    /// <summary>Advances the log start offset (OffsetOutOfRange above the high watermark) and drops segments that lie below it.</summary>
    public ErrorCode DeleteRecords(long beforeOffset) => throw new NotImplementedException();

    /// <summary>Removes everything from the batch that holds <paramref name="offset"/> on.</summary>
    public ErrorCode TruncateTo(long offset) => throw new NotImplementedException();

    public IReadOnlyList<ProducerInfo> Producers() => throw new NotImplementedException();

    /// <summary>Transactions that were aborted within [from, to).</summary>
    public IReadOnlyList<AbortedTransaction> AbortedTransactions(long from, long to) => throw new NotImplementedException();

    /// <summary>Forces everything appended so far to the disk.</summary>
    public void Flush() => throw new NotImplementedException();
}
