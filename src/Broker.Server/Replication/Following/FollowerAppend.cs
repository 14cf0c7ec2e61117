using System.Runtime.InteropServices;
using Broker.Protocol;
using Broker.Protocol.Messages;
using Broker.Storage;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>What a follower does with a leader's answer for one partition: cut off what the leader does not have, append what it sent, take its offsets.</summary>
internal sealed class FollowerAppend(ILogger logger)
{
    public ErrorCode Take(FollowedPartition followed, in FetchResponse.PartitionData data)
    {
        Partition partition = followed.Partition;
        PartitionLog log = partition.Log;
        if (data.DivergingEpoch.Epoch >= 0)
        {
            return Truncate(followed, data.DivergingEpoch.Epoch, data.DivergingEpoch.EndOffset);
        }

        if (data.Records.Length > 0)
        {
            ErrorCode error = log.AppendAsFollower(MemoryMarshal.AsMemory(data.Records.Memory), followed.LeaderEpoch);
            if (error != ErrorCode.None)
            {
                return error;
            }
        }

        partition.OnLeaderHighWatermark(data.HighWatermark);
        if (data.LogStartOffset > log.LogStartOffset)
        {
            // Not above the high watermark; what is above follows later.
            log.DeleteRecords(Math.Min(data.LogStartOffset, log.HighWatermark));
        }

        return ErrorCode.None;
    }

    /// <summary>The leader's log ends the epoch earlier than this one, or does not know this one's last epoch.</summary>
    private ErrorCode Truncate(FollowedPartition followed, int epoch, long endOffset)
    {
        PartitionLog log = followed.Partition.Log;
        long offset = log.CommonEnd(epoch, endOffset);
        InterBrokerLog.Truncated(logger, followed.Partition.TopicPartition, offset, epoch, endOffset);
        return log.TruncateAsFollower(offset, followed.LeaderEpoch);
    }
}
