using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// CreateTopics (key 19): v1 validate-only and messages, v4 lets -1 stand for the broker's default counts, v5 answers the effective configuration,
/// v7 the topic id. Every topic succeeds or fails by itself; it is ready for use when the answer leaves.
/// </summary>
internal sealed class CreateTopicsHandler(BrokerServices services) : ApiHandler<CreateTopicsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.CreateTopics, 0, 7);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, CreateTopicsRequest request)
    {
        CreateTopicsRequest.CreatableTopic[] asked = request.Topics.ToArray();
        var duplicates = asked.GroupBy(t => t.Name, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key).ToHashSet(StringComparer.Ordinal);
        var results = new List<CreateTopicsResponse.CreatableTopicResult>(asked.Length);
        var specs = new List<NewTopic>(asked.Length);
        foreach (string name in duplicates)
        {
            results.Add(Failed(name, ErrorCode.InvalidRequest, "Create topics request from client contains multiple entries for the following topics: " + name));
        }

        foreach (CreateTopicsRequest.CreatableTopic topic in asked)
        {
            if (!duplicates.Contains(topic.Name))
            {
                specs.Add(ToSpec(topic, out CreateTopicsResponse.CreatableTopicResult? refused));
                if (refused is { } result)
                {
                    specs.RemoveAt(specs.Count - 1);
                    results.Add(result);
                }
            }
        }

        if (specs.Count > 0 && !request.ValidateOnly && services.WhyNoRoom() is { } reason)
        {
            results.AddRange(specs.Select(spec => Failed(spec.Name, ErrorCode.KafkaStorageError, reason)));
            return new CreateTopicsResponse { Topics = results };
        }

        foreach (CreateTopicResult created in await services.Controller.CreateTopicsAsync(specs, request.ValidateOnly).ConfigureAwait(false))
        {
            results.Add(ToResult(created));
        }

        return new CreateTopicsResponse { Topics = results };
    }

    private static NewTopic ToSpec(in CreateTopicsRequest.CreatableTopic topic, out CreateTopicsResponse.CreatableTopicResult? refused)
    {
        refused = null;
        var configs = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (CreateTopicsRequest.CreatableTopicConfig config in topic.Configs)
        {
            if (config.Value is null)
            {
                refused = Failed(topic.Name, ErrorCode.InvalidConfig, $"Null value not supported for topic configs: {config.Name}");
            }

            configs[config.Name] = config.Value ?? "";
        }

        var assignments = new SortedDictionary<int, int[]>();
        foreach (CreateTopicsRequest.CreatableReplicaAssignment assignment in topic.Assignments)
        {
            if (!assignments.TryAdd(assignment.PartitionIndex, assignment.BrokerIds.ToArray()))
            {
                refused = Failed(topic.Name, ErrorCode.InvalidReplicaAssignment, $"Partition {assignment.PartitionIndex} is assigned more than once");
            }
        }

        // Kafka takes -1 for its own defaults in every version, though clients may send it only from v4 on.
        bool manual = assignments.Count > 0;
        return new NewTopic(topic.Name, topic.NumPartitions == -1 ? null : topic.NumPartitions, topic.ReplicationFactor == -1 ? null : topic.ReplicationFactor, manual ? assignments : null, configs);
    }

    private CreateTopicsResponse.CreatableTopicResult ToResult(CreateTopicResult created)
    {
        if (created.Error != ErrorCode.None)
        {
            return Failed(created.Name, created.Error, created.Message);
        }

        return new()
        {
            Name = created.Name,
            TopicId = created.TopicId,
            NumPartitions = created.PartitionCount,
            ReplicationFactor = (short)created.ReplicationFactor,
            Configs = services.Config.DescribeTopic(created.Configs).Select(entry => new CreateTopicsResponse.EffectiveConfig
            {
                Name = entry.Name,
                Value = entry.Value,
                ReadOnly = entry.IsReadOnly,
                ConfigSource = (sbyte)entry.Source,
                IsSensitive = entry.IsSensitive,
            }).ToArray(),
        };
    }

    private static CreateTopicsResponse.CreatableTopicResult Failed(string name, ErrorCode error, string? message) =>
        new() { Name = name, ErrorCode = error, ErrorMessage = message, NumPartitions = -1, ReplicationFactor = -1, Configs = WireArray<CreateTopicsResponse.EffectiveConfig>.Null };
}
