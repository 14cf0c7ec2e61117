using Broker.Cluster;
using Broker.Coordination;
using Broker.Protocol;
using Broker.Protocol.Records;
using Broker.Storage;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>
/// Writes the end of transactions into the partitions of this broker, and tells the group coordinator about those of __consumer_offsets; has other leaders do so for theirs.
/// Thread-safe.
/// </summary>
internal sealed class TransactionMarkers(
    ReplicaManager replicas, MetadataStore metadata, GroupCoordinator groups, RemoteMarkers remote, TimeProvider time, ILogger<TransactionMarkers> logger) : ITransactionMarkers
{
    // What is not replicated by then is tried again: a marker that comes twice ends nothing twice.
    private static readonly TimeSpan ReplicationTimeout = TimeSpan.FromSeconds(10);

    public async Task<IReadOnlyCollection<TopicPartition>> WriteAsync(MarkerWork work)
    {
        var done = new List<TopicPartition>(work.Partitions.Count);
        IReadOnlyDictionary<TopicPartition, ErrorCode> elsewhere = await WriteElsewhereAsync(work).ConfigureAwait(false);
        foreach (TopicPartition partition in work.Partitions)
        {
            if (!metadata.Current.Has(partition))
            {
                // The topic was deleted: there is nothing left to end.
                done.Add(partition);
                continue;
            }

            if (!elsewhere.TryGetValue(partition, out ErrorCode error))
            {
                error = await WriteAsync(partition, work.ProducerId, work.ProducerEpoch, work.CoordinatorEpoch, work.IsCommit).ConfigureAwait(false);
            }

            if (error == ErrorCode.InvalidProducerEpoch)
            {
                // A later epoch of the producer is at work there, so its marker, or an administrator's, has ended this transaction; trying again would never succeed.
                TransactionMarkersLog.Overtaken(logger, partition, work.ProducerId, work.ProducerEpoch);
            }

            if (error is ErrorCode.None or ErrorCode.InvalidProducerEpoch)
            {
                done.Add(partition);
            }
            else
            {
                TransactionMarkersLog.NotWritten(logger, partition, work.ProducerId, work.ProducerEpoch, error);
            }
        }

        return done;
    }

    /// <summary>All leaders at the same time; a single broker leads everything itself.</summary>
    private async Task<IReadOnlyDictionary<TopicPartition, ErrorCode>> WriteElsewhereAsync(MarkerWork work)
    {
        MetadataImage image = metadata.Current;
        var byLeader = new Dictionary<int, List<TopicPartition>>();
        foreach (TopicPartition partition in work.Partitions)
        {
            if (image.Has(partition) && image.Topic(partition.Topic)!.Partitions[partition.Partition].Leader is var leader && leader >= 0 && leader != replicas.BrokerId)
            {
                (byLeader.TryGetValue(leader, out List<TopicPartition>? led) ? led : byLeader[leader] = []).Add(partition);
            }
        }

        var results = new Dictionary<TopicPartition, ErrorCode>();
        if (byLeader.Count == 0)
        {
            return results;
        }

        foreach (IReadOnlyDictionary<TopicPartition, ErrorCode> answer in await Task.WhenAll(byLeader.Select(l => remote.WriteAsync(l.Key, work, l.Value))).ConfigureAwait(false))
        {
            foreach ((TopicPartition partition, ErrorCode error) in answer)
            {
                results[partition] = error;
            }
        }

        return results;
    }

    public async ValueTask<ErrorCode> WriteAsync(TopicPartition key, long producerId, short producerEpoch, int coordinatorEpoch, bool isCommit)
    {
        if (!replicas.TryGet(key, out Partition? partition))
        {
            return metadata.Current.Has(key) ? ErrorCode.NotLeaderOrFollower : ErrorCode.UnknownTopicOrPartition;
        }

        ErrorCode error = partition.CheckLeader(replicas.BrokerId, -1);
        if (error != ErrorCode.None)
        {
            return error;
        }

        byte[] marker = RecordBatchBuilder.TransactionMarker(0, 0, producerId, producerEpoch, isCommit, coordinatorEpoch, time.GetUtcNow().ToUnixTimeMilliseconds());
        AppendResult result = partition.Append(marker, AppendOrigin.Coordinator, requiredAcks: -1);
        error = result.Error == ErrorCode.None && (result.IsFlushDue || partition.IsReplicated)
            ? await partition.SettleAsync(result, int.MaxValue, isReplicationAwaited: true, ReplicationTimeout, replicas.Limits).ConfigureAwait(false)
            : result.Error;
        if (error == ErrorCode.None && key.Topic == InternalTopics.ConsumerOffsets)
        {
            groups.OnTransactionEnded(key.Partition, producerId, isCommit);
        }

        return error;
    }
}

internal static partial class TransactionMarkersLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "The marker of producer {ProducerId}, epoch {Epoch}, is not needed in {Partition}: a later epoch of the producer has been there")]
    public static partial void Overtaken(ILogger logger, TopicPartition partition, long producerId, short epoch);

    [LoggerMessage(Level = LogLevel.Debug, Message = "The marker of producer {ProducerId}, epoch {Epoch}, could not be written to {Partition} ({Error}); it is tried again")]
    public static partial void NotWritten(ILogger logger, TopicPartition partition, long producerId, short epoch, ErrorCode error);
}
