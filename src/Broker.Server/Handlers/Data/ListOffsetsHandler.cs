using Broker.Protocol;
using Broker.Protocol.Messages;
using Broker.Storage;

namespace Broker.Server;

/// <summary>
/// ListOffsets (key 2): the offset for a point in time. Special timestamps: -1 latest, -2 earliest, -3 of the greatest timestamp (v7), -4 earliest
/// local (v8), -5 latest in tiered storage (v9, none here). v0 answers a list of segment boundaries; v2 isolation; v4 leader epochs.
/// </summary>
internal sealed class ListOffsetsHandler(BrokerServices services) : ApiHandler<ListOffsetsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.ListOffsets, 0, 9);

    private const long Latest = -1, Earliest = -2, MaxTimestamp = -3, EarliestLocal = -4, LatestTiered = -5;
    private const long None = -1;

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, ListOffsetsRequest request)
    {
        var topics = new List<ListOffsetsResponse.ListOffsetsTopicResponse>(request.Topics.Count);
        foreach (ListOffsetsRequest.ListOffsetsTopic topic in request.Topics)
        {
            var partitions = new List<ListOffsetsResponse.ListOffsetsPartitionResponse>(topic.Partitions.Count);
            foreach (ListOffsetsRequest.ListOffsetsPartition asked in topic.Partitions)
            {
                partitions.Add(Look(topic.Name, asked, request.ReplicaId >= 0 && services.Cluster.IsShared, request.IsolationLevel == 1, context.ApiVersion));
            }

            topics.Add(new() { Name = topic.Name, Partitions = partitions });
        }

        return Ready(new ListOffsetsResponse { Topics = topics });
    }

    private ListOffsetsResponse.ListOffsetsPartitionResponse Look(string topic, in ListOffsetsRequest.ListOffsetsPartition asked, bool isFollower, bool readCommitted, short version)
    {
        ErrorCode error = services.Replicas.TryGet(new TopicPartition(topic, asked.PartitionIndex), out Partition? partition)
            ? partition.CheckLeader(services.BrokerId, asked.CurrentLeaderEpoch)
            : services.UnknownOrNotLeader(topic, asked.PartitionIndex);
        if (error == ErrorCode.None && !IsKnown(asked.Timestamp, version))
        {
            error = ErrorCode.UnsupportedVersion;
        }

        if (error != ErrorCode.None)
        {
            return new() { PartitionIndex = asked.PartitionIndex, ErrorCode = error, Timestamp = None, Offset = None, LeaderEpoch = -1 };
        }

        PartitionLog log = partition!.Log;
        if (version == 0)
        {
            return new() { PartitionIndex = asked.PartitionIndex, OldStyleOffsets = Legacy(log, asked) };
        }

        OffsetLookup? found = Find(log, asked.Timestamp, isFollower ? log.LogEndOffset : readCommitted ? log.LastStableOffset : log.HighWatermark);
        return new()
        {
            PartitionIndex = asked.PartitionIndex,
            Timestamp = found?.TimestampMs ?? None,
            Offset = found?.Offset ?? None,
            LeaderEpoch = version >= 4 ? found?.LeaderEpoch ?? -1 : -1,
        };
    }

    private static bool IsKnown(long timestamp, short version) => timestamp switch
    {
        >= Earliest => true,
        MaxTimestamp => version >= 7,
        EarliestLocal => version >= 8,
        LatestTiered => version >= 9,
        _ => false,
    };

    private static OffsetLookup? Find(PartitionLog log, long timestamp, long upperBound)
    {
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
        return found is { } hit && hit.Offset < upperBound ? hit : null;
    }

    private static WireArray<long> Legacy(PartitionLog log, in ListOffsetsRequest.ListOffsetsPartition asked)
    {
        IReadOnlyList<long> offsets = log.LegacyOffsetsBefore(asked.Timestamp, Math.Max(asked.MaxNumOffsets, 0));
        return offsets.ToArray();
    }
}
