using Broker.Cluster;
using Broker.Protocol;
using Broker.Storage;

namespace Broker.Server;

/// <summary>Reads one partition for a consumer or a follower: leadership and epoch checks, isolation, offset range, file slice.</summary>
internal sealed class PartitionReader(BrokerServices services)
{
    public PartitionRead Read(FetchTarget target, FetchReader reader, int maxBytes, bool minOneBatch)
    {
        if (target.Topic is null)
        {
            return PartitionRead.Failed(ErrorCode.UnknownTopicId);
        }

        if (!services.Replicas.TryGet(new TopicPartition(target.Topic, target.Partition), out Partition? partition))
        {
            return PartitionRead.Failed(services.UnknownOrNotLeader(target.Topic, target.Partition));
        }

        if (target.TopicId != Guid.Empty && partition.Log.TopicId != target.TopicId)
        {
            return PartitionRead.Failed(ErrorCode.InconsistentTopicId);
        }

        ErrorCode error = partition.CheckLeader(services.BrokerId, target.CurrentLeaderEpoch);
        if (error != ErrorCode.None)
        {
            PartitionImage? role = partition.Role;
            return PartitionRead.Failed(error, role is null ? null : (role.Leader, role.LeaderEpoch));
        }

        if (!reader.IsFollower)
        {
            return ReadLog(partition.Log, target, reader, partition.Log.HighWatermark, maxBytes, minOneBatch);
        }

        PartitionRead read = ReadForFollower(partition, target, reader, maxBytes, minOneBatch, out bool isReadyToJoin);
        if (isReadyToJoin)
        {
            services.Cluster.IsrUpdates?.OnReady(partition);
        }

        return read;
    }

    /// <summary>True when <see cref="Read"/> for the target does not wait for a disk; also when there is nothing to read.</summary>
    public bool IsAtHand(FetchTarget target) =>
        target.Topic is null || !services.Replicas.TryGet(new TopicPartition(target.Topic, target.Partition), out Partition? partition) || partition.Log.IsAtHand(target.FetchOffset);

    /// <summary>What a follower asks for tells how far it is, unless its log turns out to be another one.</summary>
    internal static PartitionRead ReadForFollower(Partition partition, FetchTarget target, FetchReader reader, int maxBytes, bool minOneBatch, out bool isReadyToJoin)
    {
        isReadyToJoin = false;
        if (!partition.HasFollower(reader.FollowerId))
        {
            return PartitionRead.Failed(target.CurrentLeaderEpoch >= 0 ? ErrorCode.UnknownLeaderEpoch : ErrorCode.NotLeaderOrFollower);
        }

        long end = partition.Log.LogEndOffset;
        PartitionRead read = ReadLog(partition.Log, target, reader, end, maxBytes, minOneBatch);
        if (read.Error == ErrorCode.None && read.DivergingEpoch is null)
        {
            isReadyToJoin = partition.OnFollowerFetch(reader.FollowerId, target.FetchOffset, end, reader.FollowerEpoch);
            read = read with { HighWatermark = partition.Log.HighWatermark };
        }

        return read;
    }

    private static PartitionRead ReadLog(PartitionLog log, FetchTarget target, FetchReader reader, long end, int maxBytes, bool minOneBatch)
    {
        long highWatermark = log.HighWatermark;
        long lastStable = log.LastStableOffset;
        long logStart = log.LogStartOffset;
        if (target.LastFetchedEpoch >= 0)
        {
            (int epoch, long endOffset) = log.EndOffsetForEpoch(target.LastFetchedEpoch);
            if (epoch < 0 || endOffset < 0)
            {
                return PartitionRead.Failed(ErrorCode.OffsetOutOfRange);
            }

            if (epoch < target.LastFetchedEpoch || endOffset < target.FetchOffset)
            {
                return new(ErrorCode.None, highWatermark, lastStable, logStart, WireRecords.FromMemory(default), null, (epoch, endOffset), null);
            }
        }

        long upperBound = reader.ReadsCommitted ? lastStable : reader.IsFollower ? end : highWatermark;
        ReadResult read = log.Read(target.FetchOffset, maxBytes, minOneBatch, upperBound);
        if (read.Error != ErrorCode.None)
        {
            return PartitionRead.Failed(read.Error) with { HighWatermark = -1, LogStartOffset = -1 };
        }

        IReadOnlyList<AbortedTransaction>? aborted = reader.ReadsCommitted && read.Slice.Length > 0 ? log.AbortedTransactions(target.FetchOffset, read.EndOffset) : null;
        if (aborted is not null && log.IsOffline)
        {
            // That none was found may only mean that the index could not be read.
            return PartitionRead.Failed(ErrorCode.KafkaStorageError) with { HighWatermark = -1, LogStartOffset = -1 };
        }

        WireRecords records = read.Slice.Length == 0 ? WireRecords.FromMemory(default) : WireRecords.FromFile(read.Slice);
        return new(ErrorCode.None, highWatermark, lastStable, logStart, records, aborted, null, null);
    }
}
