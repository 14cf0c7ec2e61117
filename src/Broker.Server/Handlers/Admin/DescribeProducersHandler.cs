using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>DescribeProducers (key 61): what the leader remembers of the producers of a partition (KIP-664).</summary>
internal sealed class DescribeProducersHandler(BrokerServices services) : ApiHandler<DescribeProducersRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DescribeProducers, 0, 0);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, DescribeProducersRequest request)
    {
        var topics = new List<DescribeProducersResponse.TopicResponse>();
        foreach (DescribeProducersRequest.TopicRequest topic in request.Topics)
        {
            var partitions = new List<DescribeProducersResponse.PartitionResponse>();
            foreach (int index in topic.PartitionIndexes)
            {
                partitions.Add(Describe(topic.Name, index));
            }

            topics.Add(new() { Name = topic.Name, Partitions = partitions });
        }

        return Ready(new DescribeProducersResponse { Topics = topics });
    }

    private DescribeProducersResponse.PartitionResponse Describe(string topic, int index)
    {
        ErrorCode error = services.Replicas.TryGet(new TopicPartition(topic, index), out Partition? partition)
            ? partition.CheckLeader(services.BrokerId, -1)
            : services.UnknownOrNotLeader(topic, index);
        if (error != ErrorCode.None)
        {
            return new() { PartitionIndex = index, ErrorCode = error };
        }

        return new()
        {
            PartitionIndex = index,
            ActiveProducers = partition!.Log.Producers().Select(producer => new DescribeProducersResponse.ProducerState
            {
                ProducerId = producer.ProducerId,
                ProducerEpoch = producer.ProducerEpoch,
                LastSequence = producer.LastSequence,
                LastTimestamp = producer.LastTimestampMs,
                CoordinatorEpoch = producer.CoordinatorEpoch,
                CurrentTxnStartOffset = producer.CurrentTransactionStartOffset,
            }).ToArray(),
        };
    }
}
