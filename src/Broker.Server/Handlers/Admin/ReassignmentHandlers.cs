using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>AlterPartitionReassignments (key 45): starts, replaces and, with null replicas, cancels reassignments, each by itself. The controller's.</summary>
internal sealed class AlterPartitionReassignmentsHandler(BrokerServices services) : ApiHandler<AlterPartitionReassignmentsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.AlterPartitionReassignments, 0, 0);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, AlterPartitionReassignmentsRequest request)
    {
        var asked = new List<PartitionReassignment>();
        foreach (AlterPartitionReassignmentsRequest.ReassignableTopic topic in request.Topics)
        {
            foreach (AlterPartitionReassignmentsRequest.ReassignablePartition partition in topic.Partitions)
            {
                asked.Add(new PartitionReassignment(new TopicPartition(topic.Name, partition.PartitionIndex), partition.Replicas.IsNull ? null : partition.Replicas.ToArray()));
            }
        }

        try
        {
            IReadOnlyList<PartitionReassignmentResult> results = await services.Controller.AlterReassignmentsAsync(asked).ConfigureAwait(false);
            return new AlterPartitionReassignmentsResponse
            {
                Responses = results.GroupBy(r => r.Partition.Topic, StringComparer.Ordinal).Select(topic => new AlterPartitionReassignmentsResponse.ReassignableTopicResponse
                {
                    Name = topic.Key,
                    Partitions = topic.Select(r => new AlterPartitionReassignmentsResponse.ReassignablePartitionResponse
                    {
                        PartitionIndex = r.Partition.Partition,
                        ErrorCode = r.Error,
                        ErrorMessage = r.Message,
                    }).ToArray(),
                }).ToArray(),
            };
        }
        catch (NotControllerException)
        {
            return new AlterPartitionReassignmentsResponse { ErrorCode = ErrorCode.NotController, ErrorMessage = ErrorCode.NotController.Describe() };
        }
    }
}

/// <summary>ListPartitionReassignments (key 46): what is under way, of all partitions or of those named. The controller's.</summary>
internal sealed class ListPartitionReassignmentsHandler(BrokerServices services) : ApiHandler<ListPartitionReassignmentsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.ListPartitionReassignments, 0, 0);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, ListPartitionReassignmentsRequest request)
    {
        HashSet<TopicPartition>? wanted = request.Topics.IsNull ? null : [];
        foreach (ListPartitionReassignmentsRequest.ListPartitionReassignmentsTopics topic in request.Topics)
        {
            foreach (int partition in topic.PartitionIndexes)
            {
                wanted!.Add(new TopicPartition(topic.Name, partition));
            }
        }

        try
        {
            IReadOnlyList<OngoingReassignment> ongoing = await services.Controller.ListReassignmentsAsync(wanted).ConfigureAwait(false);
            return new ListPartitionReassignmentsResponse
            {
                Topics = ongoing.GroupBy(o => o.Partition.Topic, StringComparer.Ordinal).Select(topic => new ListPartitionReassignmentsResponse.OngoingTopicReassignment
                {
                    Name = topic.Key,
                    Partitions = topic.Select(o => new ListPartitionReassignmentsResponse.OngoingPartitionReassignment
                    {
                        PartitionIndex = o.Partition.Partition,
                        Replicas = o.Replicas,
                        AddingReplicas = o.Adding,
                        RemovingReplicas = o.Removing,
                    }).ToArray(),
                }).ToArray(),
            };
        }
        catch (NotControllerException)
        {
            return new ListPartitionReassignmentsResponse { ErrorCode = ErrorCode.NotController, ErrorMessage = ErrorCode.NotController.Describe() };
        }
    }
}
