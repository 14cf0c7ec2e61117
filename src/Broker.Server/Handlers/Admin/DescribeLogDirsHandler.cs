using Broker.Protocol;
using Broker.Protocol.Messages;
using Broker.Storage;

namespace Broker.Server;

/// <summary>DescribeLogDirs (key 35): sizes per replica and directory, copies that are to take a replica's place included. v3 top-level error, v4 space of the file system.</summary>
internal sealed class DescribeLogDirsHandler(BrokerServices services) : ApiHandler<DescribeLogDirsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DescribeLogDirs, 0, 4);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, DescribeLogDirsRequest request)
    {
        HashSet<TopicPartition>? wanted = Wanted(request);
        var results = new List<DescribeLogDirsResponse.DescribeLogDirsResult>();
        foreach (LogDirectory directory in services.Replicas.Logs.Directories)
        {
            results.Add(Describe(directory, wanted));
        }

        return Ready(new DescribeLogDirsResponse { Results = results });
    }

    private DescribeLogDirsResponse.DescribeLogDirsResult Describe(LogDirectory directory, HashSet<TopicPartition>? wanted)
    {
        if (!directory.IsOnline)
        {
            return new() { ErrorCode = ErrorCode.KafkaStorageError, LogDir = directory.Path, TotalBytes = -1, UsableBytes = -1 };
        }

        var topics = new List<DescribeLogDirsResponse.DescribeLogDirsTopic>();
        foreach (IGrouping<string, PartitionLog> topic in directory.Logs.Where(l => wanted?.Contains(l.TopicPartition) ?? true).GroupBy(l => l.TopicPartition.Topic))
        {
            topics.Add(new()
            {
                Name = topic.Key,
                Partitions = topic.Select(log => new DescribeLogDirsResponse.DescribeLogDirsPartition
                {
                    PartitionIndex = log.TopicPartition.Partition,
                    PartitionSize = log.SizeInBytes,
                    OffsetLag = Lag(log),
                    IsFutureKey = log.IsFuture,
                }).ToArray(),
            });
        }

        return new() { LogDir = directory.Path, Topics = topics, TotalBytes = directory.TotalBytes, UsableBytes = directory.UsableBytes };
    }

    /// <summary>How far a copy is behind its log, and a log behind its own high watermark; -1 for what is not served.</summary>
    private long Lag(PartitionLog log) =>
        !services.Replicas.TryGet(log.TopicPartition, out Partition? served) ? -1
        : log.IsFuture ? served.Log.LogEndOffset - log.LogEndOffset
        : Math.Max(0, log.HighWatermark - log.LogEndOffset);

    /// <summary>Null in the request means every partition; named topics are looked up one by one.</summary>
    private static HashSet<TopicPartition>? Wanted(DescribeLogDirsRequest request)
    {
        if (request.Topics.IsNull)
        {
            return null;
        }

        var wanted = new HashSet<TopicPartition>();
        foreach (DescribeLogDirsRequest.DescribableLogDirTopic topic in request.Topics)
        {
            foreach (int partition in topic.Partitions)
            {
                wanted.Add(new TopicPartition(topic.Topic, partition));
            }
        }

        return wanted;
    }
}
