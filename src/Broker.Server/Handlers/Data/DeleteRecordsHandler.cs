using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;
using Broker.Storage;

namespace Broker.Server;

/// <summary>DeleteRecords (key 21): moves log start offsets forward; -1 means up to the high watermark. Compacted-only topics refuse it.</summary>
internal sealed class DeleteRecordsHandler(BrokerServices services) : ApiHandler<DeleteRecordsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DeleteRecords, 0, 2);

    private const long UpToHighWatermark = -1;

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, DeleteRecordsRequest request)
    {
        var topics = new List<DeleteRecordsResponse.DeleteRecordsTopicResult>(request.Topics.Count);
        foreach (DeleteRecordsRequest.DeleteRecordsTopic topic in request.Topics)
        {
            var partitions = new List<DeleteRecordsResponse.DeleteRecordsPartitionResult>(topic.Partitions.Count);
            foreach (DeleteRecordsRequest.DeleteRecordsPartition asked in topic.Partitions)
            {
                partitions.Add(Delete(topic.Name, asked));
            }

            topics.Add(new() { Name = topic.Name, Partitions = partitions });
        }

        return Ready(new DeleteRecordsResponse { Topics = topics });
    }

    private DeleteRecordsResponse.DeleteRecordsPartitionResult Delete(string topic, in DeleteRecordsRequest.DeleteRecordsPartition asked)
    {
        ErrorCode error = Check(topic, asked.PartitionIndex, out PartitionLog? log);
        if (error == ErrorCode.None)
        {
            long before = asked.Offset == UpToHighWatermark ? log!.HighWatermark : asked.Offset;
            error = before < 0 || before > log!.HighWatermark ? ErrorCode.OffsetOutOfRange : log.DeleteRecords(before);
        }

        return new() { PartitionIndex = asked.PartitionIndex, LowWatermark = error == ErrorCode.None ? log!.LogStartOffset : -1, ErrorCode = error };
    }

    private ErrorCode Check(string topic, int index, out PartitionLog? log)
    {
        log = null;
        if (InternalTopics.IsInternal(topic))
        {
            return ErrorCode.InvalidTopicException;
        }

        if (!services.Replicas.TryGet(new TopicPartition(topic, index), out Partition? partition))
        {
            return services.UnknownOrNotLeader(topic, index);
        }

        log = partition.Log;
        ErrorCode error = partition.CheckLeader(services.BrokerId, -1);
        return error != ErrorCode.None || log.Config.IsDeleted ? error : ErrorCode.PolicyViolation;
    }
}
