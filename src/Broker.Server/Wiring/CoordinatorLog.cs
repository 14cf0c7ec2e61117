using Broker.Cluster;
using Broker.Coordination;
using Broker.Protocol;
using Broker.Storage;

namespace Broker.Server;

/// <summary>A coordinator's topic over the partitions of this broker. Thread-safe.</summary>
internal sealed class CoordinatorLog(string topic, ReplicaManager replicas, MetadataStore metadata, Func<int> timeoutMs) : ICoordinatorLog
{
    public int PartitionCount => metadata.Current.Topic(topic)?.Partitions.Count ?? 0;

    public bool IsLeader(int partition) => Find(partition) is { } found && found.CheckLeader(replicas.BrokerId, -1) == ErrorCode.None;

    /// <summary>Done when the in-sync replicas have it.</summary>
    public ValueTask<ErrorCode> AppendAsync(int partition, Memory<byte> recordBatch, object? verification = null)
    {
        if (Find(partition) is not { } found)
        {
            return new(ErrorCode.NotLeaderOrFollower);
        }

        AppendResult result = found.Append(recordBatch, AppendOrigin.Coordinator, requiredAcks: -1, (TransactionVerification?)verification);
        return result.Error == ErrorCode.None && (result.IsFlushDue || found.IsReplicated)
            ? new(found.SettleAsync(result, recordBatch.Length, isReplicationAwaited: true, TimeSpan.FromMilliseconds(timeoutMs()), replicas.Limits))
            : new(result.Error);
    }

    public async ValueTask<bool> IsCommittedAsync(int partition, long offset)
    {
        if (Find(partition) is not { } found)
        {
            return false;
        }

        ErrorCode error = await found.AwaitReplicationAsync(offset, TimeSpan.FromMilliseconds(timeoutMs()), replicas.Limits).ConfigureAwait(false);

        // Looked at last: the high watermark was a leader's then. How many are in sync decides about appends only.
        return error is ErrorCode.None or ErrorCode.NotEnoughReplicasAfterAppend && found.CheckLeader(replicas.BrokerId, -1) == ErrorCode.None;
    }

    public long StartOffset(int partition) => Require(partition).Log.LogStartOffset;

    public long EndOffset(int partition) => Require(partition).Log.LogEndOffset;

    public int Read(int partition, long offset, Memory<byte> buffer)
    {
        PartitionLog log = Require(partition).Log;
        ReadResult read = log.Read(offset, buffer.Length, minOneBatch: true, log.LogEndOffset);
        if (read.Error != ErrorCode.None)
        {
            throw new IOException($"Reading {topic}-{partition} at offset {offset} failed with {read.Error}; the log says more");
        }

        return read.Slice.CopyTo(buffer.Span);
    }

    private Partition? Find(int partition) => replicas.TryGet(new TopicPartition(topic, partition), out Partition? found) ? found : null;

    private Partition Require(int partition) => Find(partition) ?? throw new InvalidOperationException($"{topic}-{partition} is not hosted here");
}
