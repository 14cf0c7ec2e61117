using Broker.Cluster;
using Broker.Configuration;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// DescribeTopicPartitions (key 75): topics in name order, page by page. The cursor names the first partition of the next page (KIP-966).
/// </summary>
internal sealed class DescribeTopicPartitionsHandler(BrokerServices services) : ApiHandler<DescribeTopicPartitionsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DescribeTopicPartitions, 0, 0);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, DescribeTopicPartitionsRequest request)
    {
        MetadataImage image = services.Metadata.Current;
        string? firstTopic = request.Cursor?.TopicName;
        int firstPartition = request.Cursor?.PartitionIndex ?? 0;
        if (firstPartition < 0)
        {
            throw new ProtocolException($"DescribeTopicPartitions cursor names partition {firstPartition}; partitions count from 0");
        }

        bool all = request.Topics.Count == 0;
        IEnumerable<string> names = all ? image.Topics.Select(t => t.Name) : request.Topics.ToArray().Select(t => t.Name).Distinct(StringComparer.Ordinal);
        int left = Math.Clamp(request.ResponsePartitionLimit, 1, services.Config.Current.Get(ConfigKeys.MaxRequestPartitionSizeLimit));
        var topics = new List<DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic>();
        foreach (string name in names.Where(n => firstTopic is null || string.CompareOrdinal(n, firstTopic) >= 0).Order(StringComparer.Ordinal))
        {
            if (left == 0)
            {
                return Ready(new DescribeTopicPartitionsResponse { Topics = topics, NextCursor = new() { TopicName = name, PartitionIndex = 0 } });
            }

            if (image.Topic(name) is not { } topic)
            {
                topics.Add(new() { Name = name, ErrorCode = TopicNames.Validate(name) is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.InvalidTopicException });
                continue;
            }

            int start = name == firstTopic ? Math.Min(firstPartition, topic.Partitions.Count) : 0;
            int count = Math.Min(left, topic.Partitions.Count - start);
            topics.Add(Describe(topic, start, count));
            left -= count;
            if (start + count < topic.Partitions.Count)
            {
                return Ready(new DescribeTopicPartitionsResponse { Topics = topics, NextCursor = new() { TopicName = name, PartitionIndex = start + count } });
            }
        }

        return Ready(new DescribeTopicPartitionsResponse { Topics = topics });
    }

    private static DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic Describe(TopicImage topic, int start, int count)
    {
        var partitions = new DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponsePartition[count];
        for (int i = 0; i < count; i++)
        {
            PartitionImage partition = topic.Partitions[start + i];
            partitions[i] = new()
            {
                ErrorCode = partition.Leader < 0 ? ErrorCode.LeaderNotAvailable : ErrorCode.None,
                PartitionIndex = partition.Index,
                LeaderId = partition.Leader,
                LeaderEpoch = partition.LeaderEpoch,
                ReplicaNodes = partition.Replicas,
                IsrNodes = partition.Isr,
                // Empty, not null: the Java client of 3.9 does not survive null.
                EligibleLeaderReplicas = [],
                LastKnownElr = [],
                OfflineReplicas = partition.OfflineReplicas,
            };
        }

        return new() { Name = topic.Name, TopicId = topic.Id, IsInternal = topic.IsInternal, Partitions = partitions, TopicAuthorizedOperations = AuthorizedOperations.Topic };
    }
}
