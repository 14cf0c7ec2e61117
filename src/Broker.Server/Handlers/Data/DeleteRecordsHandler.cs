using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;
using Broker.Storage;

namespace Broker.Server;

/// <summary>DeleteRecords (key 21): moves log start offsets forward, of followers too; -1 means up to the high watermark. Compacted-only topics refuse it.</summary>
internal sealed class DeleteRecordsHandler(BrokerServices services) : ApiHandler<DeleteRecordsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DeleteRecords, 0, 2);

    private const long UpToHighWatermark = -1;

    private const long UnknownLowWatermark = -1;

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, DeleteRecordsRequest request)
    {
        // All leaders delete before any follower is waited for, so that the timeout is one for the whole request.
        TimeSpan timeout = TimeSpan.FromMilliseconds(request.TimeoutMs);
        var topics = new List<(string Name, List<Task<DeleteRecordsResponse.DeleteRecordsPartitionResult>> Partitions)>(request.Topics.Count);
        foreach (DeleteRecordsRequest.DeleteRecordsTopic topic in request.Topics)
        {
            var partitions = new List<Task<DeleteRecordsResponse.DeleteRecordsPartitionResult>>(topic.Partitions.Count);
            foreach (DeleteRecordsRequest.DeleteRecordsPartition asked in topic.Partitions)
            {
                partitions.Add(DeleteAsync(topic.Name, asked.PartitionIndex, asked.Offset, timeout));
            }

            topics.Add((topic.Name, partitions));
        }

        var results = new List<DeleteRecordsResponse.DeleteRecordsTopicResult>(topics.Count);
        foreach ((string name, List<Task<DeleteRecordsResponse.DeleteRecordsPartitionResult>> partitions) in topics)
        {
            results.Add(new() { Name = name, Partitions = await Task.WhenAll(partitions).ConfigureAwait(false) });
        }

        return new DeleteRecordsResponse { Topics = results };
    }

    /// <summary>Done when followers have deleted as well: those that live, since one that is away deletes before it serves anybody.</summary>
    private async Task<DeleteRecordsResponse.DeleteRecordsPartitionResult> DeleteAsync(string topic, int index, long offset, TimeSpan timeout)
    {
        ErrorCode error = Check(topic, index, out Partition? partition);
        long lowWatermark = UnknownLowWatermark;
        if (error == ErrorCode.None)
        {
            PartitionLog log = partition!.Log;
            long before = offset == UpToHighWatermark ? log.HighWatermark : offset;
            error = before < 0 || before > log.HighWatermark ? ErrorCode.OffsetOutOfRange : log.DeleteRecords(before);
            if (error == ErrorCode.None)
            {
                error = await partition.AwaitLowWatermarkAsync(before, IsAlive, timeout, services.Replicas.Limits).ConfigureAwait(false);
                lowWatermark = error is ErrorCode.None or ErrorCode.RequestTimedOut ? partition.LowWatermark(IsAlive) : UnknownLowWatermark;
            }
        }

        return new() { PartitionIndex = index, LowWatermark = lowWatermark, ErrorCode = error };
    }

    private bool IsAlive(int broker) => services.Metadata.Current.Broker(broker) is not null;

    private ErrorCode Check(string topic, int index, out Partition? partition)
    {
        partition = null;
        if (InternalTopics.IsInternal(topic))
        {
            return ErrorCode.InvalidTopicException;
        }

        if (!services.Replicas.TryGet(new TopicPartition(topic, index), out partition))
        {
            return services.UnknownOrNotLeader(topic, index);
        }

        ErrorCode error = partition.CheckLeader(services.BrokerId, -1);
        return error != ErrorCode.None || partition.Log.Config.IsDeleted ? error : ErrorCode.PolicyViolation;
    }
}
