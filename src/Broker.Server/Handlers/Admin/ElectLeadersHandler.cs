using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>ElectLeaders (key 43): preferred (0) and, from v1, unclean (1) elections. Null partitions means all, of which only those changed are answered.</summary>
internal sealed class ElectLeadersHandler(BrokerServices services) : ApiHandler<ElectLeadersRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.ElectLeaders, 0, 2);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, ElectLeadersRequest request)
    {
        if (request.ElectionType is not (0 or 1))
        {
            return new ElectLeadersResponse { ErrorCode = ErrorCode.InvalidRequest };
        }

        List<TopicPartition>? asked = null;
        if (!request.TopicPartitions.IsNull)
        {
            asked = [];
            foreach (ElectLeadersRequest.TopicElection topic in request.TopicPartitions)
            {
                foreach (int partition in topic.Partitions)
                {
                    asked.Add(new TopicPartition(topic.Topic, partition));
                }
            }
        }

        IReadOnlyList<ElectLeaderResult> elected = await services.Controller.ElectLeadersAsync(asked, unclean: request.ElectionType == 1).ConfigureAwait(false);
        return new ElectLeadersResponse
        {
            ReplicaElectionResults = elected.GroupBy(e => e.Partition.Topic).Select(topic => new ElectLeadersResponse.ReplicaElectionResult
            {
                Topic = topic.Key,
                PartitionResult = topic.Select(e => new ElectLeadersResponse.PartitionElectionResult { PartitionId = e.Partition.Partition, ErrorCode = e.Error, ErrorMessage = e.Message }).ToArray(),
            }).ToArray(),
        };
    }
}
