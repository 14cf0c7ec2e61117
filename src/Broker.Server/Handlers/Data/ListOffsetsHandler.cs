using Broker.Protocol;
using Broker.Protocol.Messages;
using Broker.Storage;

namespace Broker.Server;

/// <summary>
/// ListOffsets (key 2): the offset for a point in time. Special timestamps: -1 latest, -2 earliest, -3 of the greatest timestamp (v7), -4 earliest
/// local (v8), -5 latest in tiered storage (v9, none here). v0 answers a list of segment boundaries; v2 isolation; v4 leader epochs; v5 OFFSET_NOT_AVAILABLE.
/// </summary>
internal sealed class ListOffsetsHandler(BrokerServices services) : ApiHandler<ListOffsetsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.ListOffsets, 0, 9);

    private const long Latest = -1, Earliest = -2, MaxTimestamp = -3, EarliestLocal = -4, LatestTiered = -5;
    private const long None = -1;
    private const int Debugger = -2;

    private enum OffsetReader
    {
        Consumer,
        Committed,
        Follower,
        Debugger,
    }

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, ListOffsetsRequest request)
    {
        var topics = new List<ListOffsetsResponse.ListOffsetsTopicResponse>(request.Topics.Count);
        foreach (ListOffsetsRequest.ListOffsetsTopic topic in request.Topics)
        {
            var partitions = new List<ListOffsetsResponse.ListOffsetsPartitionResponse>(topic.Partitions.Count);
            foreach (ListOffsetsRequest.ListOffsetsPartition asked in topic.Partitions)
            {
                partitions.Add(Look(topic.Name, asked, Reader(request), context.ApiVersion));
            }

            topics.Add(new() { Name = topic.Name, Partitions = partitions });
        }

        return Ready(new ListOffsetsResponse { Topics = topics });
    }

    private OffsetReader Reader(ListOffsetsRequest request) => request.ReplicaId switch
    {
        Debugger when services.Cluster.IsShared => OffsetReader.Debugger,
        >= 0 when services.Cluster.IsShared => OffsetReader.Follower,
        _ => request.IsolationLevel == 1 ? OffsetReader.Committed : OffsetReader.Consumer,
    };

    private ListOffsetsResponse.ListOffsetsPartitionResponse Look(string topic, in ListOffsetsRequest.ListOffsetsPartition asked, OffsetReader reader, short version)
    {
        // Only the leader knows what the offsets are; tools that compare replicas want each one's own.
        ErrorCode error = !services.Replicas.TryGet(new TopicPartition(topic, asked.PartitionIndex), out Partition? partition) ? services.UnknownOrNotLeader(topic, asked.PartitionIndex)
            : reader == OffsetReader.Debugger ? partition.CheckReplica(asked.CurrentLeaderEpoch)
            : partition.CheckLeader(services.BrokerId, asked.CurrentLeaderEpoch);
        if (error == ErrorCode.None && !IsKnown(asked.Timestamp, version))
        {
            error = ErrorCode.UnsupportedVersion;
        }

        if (error != ErrorCode.None)
        {
            return Refused(asked.PartitionIndex, error);
        }

        PartitionLog log = partition!.Log;
        if (version == 0)
        {
            return new() { PartitionIndex = asked.PartitionIndex, OldStyleOffsets = Legacy(log, asked) };
        }

        int epoch = partition.LeaderEpoch;

        // Asked before the offset is read: a high watermark that catches up in between must not let the earlier one pass.
        bool isBehind = partition.IsHighWatermarkBehind;
        long upperBound = reader switch { OffsetReader.Committed => log.LastStableOffset, OffsetReader.Consumer => log.HighWatermark, _ => log.LogEndOffset };
        OffsetLookup? found = Find(log, asked.Timestamp, upperBound, out bool isBeyond);
        if (reader is OffsetReader.Consumer or OffsetReader.Committed && isBehind && (asked.Timestamp == Latest || isBeyond))
        {
            // It would go back to before what an earlier leader told.
            return Refused(asked.PartitionIndex, version >= 5 ? ErrorCode.OffsetNotAvailable : ErrorCode.LeaderNotAvailable);
        }

        // A leader that was relieved meanwhile does not know any more whether it was behind, even if it leads again by now.
        if (reader != OffsetReader.Debugger && (partition.CheckLeader(services.BrokerId, asked.CurrentLeaderEpoch) is var late) && (late != ErrorCode.None || partition.LeaderEpoch != epoch))
        {
            return Refused(asked.PartitionIndex, late == ErrorCode.None ? ErrorCode.NotLeaderOrFollower : late);
        }

        return new()
        {
            PartitionIndex = asked.PartitionIndex,
            Timestamp = found?.TimestampMs ?? None,
            Offset = found?.Offset ?? None,
            LeaderEpoch = version >= 4 ? found?.LeaderEpoch ?? -1 : -1,
        };
    }

    private static ListOffsetsResponse.ListOffsetsPartitionResponse Refused(int partition, ErrorCode error) =>
        new() { PartitionIndex = partition, ErrorCode = error, Timestamp = None, Offset = None, LeaderEpoch = -1 };

    private static bool IsKnown(long timestamp, short version) => timestamp switch
    {
        >= Earliest => true,
        MaxTimestamp => version >= 7,
        EarliestLocal => version >= 8,
        LatestTiered => version >= 9,
        _ => false,
    };

    private static OffsetLookup? Find(PartitionLog log, long timestamp, long upperBound, out bool isBeyond)
    {
        isBeyond = false;
        switch (timestamp)
        {
            case Latest:
                return new OffsetLookup(upperBound, None, log.LatestLeaderEpoch);
            case Earliest or EarliestLocal:
                return new OffsetLookup(log.LogStartOffset, None, log.EpochForOffset(log.LogStartOffset));
            case LatestTiered:
                return null;
        }

        OffsetLookup? found = timestamp == MaxTimestamp ? log.MaxTimestampOffset() : log.OffsetForTimestamp(timestamp);
        // What is not visible yet must not be found either.
        isBeyond = found is { } hit && hit.Offset >= upperBound;
        return isBeyond ? null : found;
    }

    private static WireArray<long> Legacy(PartitionLog log, in ListOffsetsRequest.ListOffsetsPartition asked)
    {
        IReadOnlyList<long> offsets = log.LegacyOffsetsBefore(asked.Timestamp, Math.Max(asked.MaxNumOffsets, 0));
        return offsets.ToArray();
    }
}
