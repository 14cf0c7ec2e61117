using Broker.Cluster;
using Broker.Protocol;
using Broker.Storage;

namespace Broker.Server;

/// <summary>Reads one partition for a consumer or a follower: leadership and epoch checks, isolation, offset range, file slice.</summary>
internal sealed class PartitionReader(BrokerServices services)
{
    /// <param name="target">Where to read.</param>
    /// <param name="reader">For whom.</param>
    /// <param name="maxBytes">What is left of its budget.</param>
    /// <param name="minOneBatch">Whether the first batch counts whatever its size.</param>
    /// <param name="follows">Lets the partition mark the target from now on.</param>
    public PartitionRead Read(FetchTarget target, in FetchReader reader, int maxBytes, bool minOneBatch, bool follows)
    {
        // An id that was unknown when it was named may have become known since.
        target.Topic ??= services.Metadata.Current.Topic(target.TopicId)?.Name;
        if (target.Topic is null)
        {
            return PartitionRead.Failed(ErrorCode.UnknownTopicId);
        }

        if (!services.Replicas.TryGet(new TopicPartition(target.Topic, target.Partition), out Partition? partition))
        {
            return PartitionRead.Failed(services.UnknownOrNotLeader(target.Topic, target.Partition));
        }

        if (follows)
        {
            target.Watch.Follow(target, partition);
        }

        if (target.TopicId != Guid.Empty && partition.Log.TopicId != target.TopicId)
        {
            return PartitionRead.Failed(ErrorCode.InconsistentTopicId);
        }

        ErrorCode error = reader is { KnowsFollowers: true, IsFollower: false }
            ? partition.CheckReplica(target.CurrentLeaderEpoch)
            : partition.CheckLeader(services.BrokerId, target.CurrentLeaderEpoch);
        if (error != ErrorCode.None)
        {
            PartitionImage? role = partition.Role;
            return PartitionRead.Failed(error, role is null ? null : (role.Leader, role.LeaderEpoch));
        }

        if (!reader.IsFollower)
        {
            return Preferred(partition, target, reader) is { } replica
                ? new(ErrorCode.None, partition.Log.HighWatermark, partition.Log.LastStableOffset, partition.Log.LogStartOffset, WireRecords.FromMemory(default), null, null, null)
                {
                    PreferredReplica = replica,
                }
                : ReadForConsumer(partition.Log, target, reader.ReadsCommitted, maxBytes, minOneBatch);
        }

        bool isHeldBack = services.Cluster.Throttles?.HoldsBackFollower(partition, reader.FollowerId) == true;
        PartitionRead read = ReadForFollower(partition, target, reader, isHeldBack ? 0 : maxBytes, minOneBatch && !isHeldBack, out bool isReadyToJoin);
        if (isReadyToJoin)
        {
            services.Cluster.IsrUpdates?.OnReady(partition);
        }

        return read;
    }

    /// <summary>True when <see cref="Read"/> for the target does not wait for a disk; also when there is nothing to read.</summary>
    public bool IsAtHand(FetchTarget target) =>
        target.Topic is null || !services.Replicas.TryGet(new TopicPartition(target.Topic, target.Partition), out Partition? partition) || partition.Log.IsAtHand(target.FetchOffset);

    /// <summary>A consumer sees what is replicated, on a follower as far as that has heard of it.</summary>
    internal static PartitionRead ReadForConsumer(PartitionLog log, FetchTarget target, bool readsCommitted, int maxBytes, bool minOneBatch) =>
        ReadLog(log, target, readsCommitted, readsCommitted ? log.LastStableOffset : log.HighWatermark, maxBytes, minOneBatch);

    /// <summary>What a follower asks for tells how far it is, unless its log turns out to be another one.</summary>
    internal static PartitionRead ReadForFollower(Partition partition, FetchTarget target, in FetchReader reader, int maxBytes, bool minOneBatch, out bool isReadyToJoin)
    {
        isReadyToJoin = false;
        if (!partition.HasFollower(reader.FollowerId))
        {
            return PartitionRead.Failed(target.CurrentLeaderEpoch >= 0 ? ErrorCode.UnknownLeaderEpoch : ErrorCode.NotLeaderOrFollower);
        }

        long end = partition.Log.LogEndOffset;
        PartitionRead read = ReadLog(partition.Log, target, readsCommitted: false, end, maxBytes, minOneBatch);
        if (read.Error == ErrorCode.None && read.DivergingEpoch is null)
        {
            isReadyToJoin = partition.OnFollowerFetch(reader.FollowerId, target, end, reader.FollowerEpoch, out bool isInSync);

            // Who is not in sync is looked at with every fetch, so that it joins as soon as it may.
            read = read with { HighWatermark = partition.Log.HighWatermark, IsAtRest = read.IsAtRest && isInSync };
        }

        return read;
    }

    private int? Preferred(Partition partition, FetchTarget target, in FetchReader reader) =>
        services.ReplicaSelection is { } selection && reader.KnowsFollowers ? selection.Choose(partition, target.FetchOffset, reader.Rack, reader.Listener) : null;

    private static PartitionRead ReadLog(PartitionLog log, FetchTarget target, bool readsCommitted, long upperBound, int maxBytes, bool minOneBatch)
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

        ReadResult read = log.Read(target.FetchOffset, maxBytes, minOneBatch, upperBound);
        if (read.Error != ErrorCode.None)
        {
            return PartitionRead.Failed(read.Error);
        }

        IReadOnlyList<AbortedTransaction>? aborted = readsCommitted && read.Slice.Length > 0 ? log.AbortedTransactions(target.FetchOffset, read.EndOffset) : null;
        if (aborted is not null && log.IsOffline)
        {
            // That none was found may only mean that the index could not be read.
            return PartitionRead.Failed(ErrorCode.KafkaStorageError);
        }

        WireRecords records = read.Slice.Length == 0 ? WireRecords.FromMemory(default) : WireRecords.FromFile(read.Slice);
        return new(ErrorCode.None, highWatermark, lastStable, logStart, records, aborted, null, null) { IsAtRest = target.FetchOffset >= upperBound };
    }
}
