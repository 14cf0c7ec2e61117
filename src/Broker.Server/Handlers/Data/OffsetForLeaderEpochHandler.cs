using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// OffsetForLeaderEpoch (key 23): where the records of a leader epoch end, so that readers notice truncation (KIP-101, KIP-320).
/// v1 answers the epoch found, v2 fences by the current epoch, v3 names the caller.
/// </summary>
internal sealed class OffsetForLeaderEpochHandler(BrokerServices services) : ApiHandler<OffsetForLeaderEpochRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.OffsetForLeaderEpoch, 0, 4);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, OffsetForLeaderEpochRequest request)
    {
        var topics = new List<OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult>(request.Topics.Count);
        foreach (OffsetForLeaderEpochRequest.OffsetForLeaderTopic topic in request.Topics)
        {
            var partitions = new List<OffsetForLeaderEpochResponse.EpochEndOffset>(topic.Partitions.Count);
            foreach (OffsetForLeaderEpochRequest.OffsetForLeaderPartition asked in topic.Partitions)
            {
                partitions.Add(Look(topic.Topic, asked));
            }

            topics.Add(new() { Topic = topic.Topic, Partitions = partitions });
        }

        return Ready(new OffsetForLeaderEpochResponse { Topics = topics });
    }

    private OffsetForLeaderEpochResponse.EpochEndOffset Look(string topic, in OffsetForLeaderEpochRequest.OffsetForLeaderPartition asked)
    {
        ErrorCode error = services.Replicas.TryGet(new TopicPartition(topic, asked.Partition), out Partition? partition)
            ? partition.CheckLeader(services.BrokerId, asked.CurrentLeaderEpoch)
            : services.UnknownOrNotLeader(topic, asked.Partition);
        if (error != ErrorCode.None)
        {
            return new() { Partition = asked.Partition, ErrorCode = error, LeaderEpoch = -1, EndOffset = -1 };
        }

        (int epoch, long endOffset) = partition!.Log.EndOffsetForEpoch(asked.LeaderEpoch);
        return new() { Partition = asked.Partition, LeaderEpoch = epoch, EndOffset = endOffset };
    }
}
