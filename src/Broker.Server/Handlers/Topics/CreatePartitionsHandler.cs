using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>CreatePartitions (key 37): raises the number of partitions of topics, each by itself. v2 is flexible, v3 knows quota errors.</summary>
internal sealed class CreatePartitionsHandler(BrokerServices services) : ApiHandler<CreatePartitionsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.CreatePartitions, 0, 3);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, CreatePartitionsRequest request)
    {
        CreatePartitionsRequest.CreatePartitionsTopic[] asked = request.Topics.ToArray();
        var duplicates = asked.GroupBy(t => t.Name, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key).ToHashSet(StringComparer.Ordinal);
        var results = new List<CreatePartitionsResponse.CreatePartitionsTopicResult>(asked.Length);
        var specs = new List<NewPartitions>(asked.Length);
        foreach (string name in duplicates)
        {
            results.Add(new() { Name = name, ErrorCode = ErrorCode.InvalidRequest, ErrorMessage = "Duplicate topic in request." });
        }

        foreach (CreatePartitionsRequest.CreatePartitionsTopic topic in asked)
        {
            if (!duplicates.Contains(topic.Name))
            {
                specs.Add(new NewPartitions(topic.Name, topic.Count, Assignments(topic)));
            }
        }

        if (specs.Count > 0 && !request.ValidateOnly && services.WhyNoRoom() is { } reason)
        {
            results.AddRange(specs.Select(spec => new CreatePartitionsResponse.CreatePartitionsTopicResult
            {
                Name = spec.Topic,
                ErrorCode = ErrorCode.KafkaStorageError,
                ErrorMessage = reason,
            }));
            return new CreatePartitionsResponse { Results = results };
        }

        foreach (CreatePartitionsResult created in await services.Controller.CreatePartitionsAsync(specs, request.ValidateOnly).ConfigureAwait(false))
        {
            results.Add(new() { Name = created.Name, ErrorCode = created.Error, ErrorMessage = created.Message });
        }

        return new CreatePartitionsResponse { Results = results };
    }

    private static List<int[]>? Assignments(in CreatePartitionsRequest.CreatePartitionsTopic topic)
    {
        if (topic.Assignments.IsNull)
        {
            return null;
        }

        var assignments = new List<int[]>();
        foreach (CreatePartitionsRequest.CreatePartitionsAssignment assignment in topic.Assignments)
        {
            assignments.Add(assignment.BrokerIds.ToArray());
        }

        return assignments;
    }
}
