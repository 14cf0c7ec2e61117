using Broker.Cluster;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>
/// DeleteTopics (key 20): v5 error messages, v6 topics by id. With delete.topic.enable=false: TOPIC_DELETION_DISABLED, which before v3 did not exist.
/// </summary>
internal sealed class DeleteTopicsHandler(BrokerServices services) : ApiHandler<DeleteTopicsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.DeleteTopics, 0, 6);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, DeleteTopicsRequest request)
    {
        List<(string? Name, Guid Id)> asked = Asked(request, context.ApiVersion);
        if (!services.Config.DeleteTopicEnable)
        {
            ErrorCode disabled = context.ApiVersion < 3 ? ErrorCode.InvalidRequest : ErrorCode.TopicDeletionDisabled;
            return new DeleteTopicsResponse { Responses = asked.ConvertAll(a => Failed(a.Name, a.Id, disabled, "Topic deletion is disabled: delete.topic.enable=false on this broker")) };
        }

        var results = new List<DeleteTopicsResponse.DeletableTopicResult>(asked.Count);
        var names = new List<string>();
        var ids = new List<Guid>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        MetadataImage image = services.Metadata.Current;
        foreach ((string? name, Guid id) in asked)
        {
            TopicImage? topic = name is not null ? image.Topic(name) : image.Topic(id);
            if (name is not null && id != Guid.Empty)
            {
                results.Add(Failed(name, id, ErrorCode.InvalidRequest, "A topic is deleted by name or by id, not by both"));
            }
            else if (topic is null)
            {
                results.Add(Failed(name, id, name is null ? ErrorCode.UnknownTopicId : ErrorCode.UnknownTopicOrPartition, null));
            }
            else if (!seen.Add(topic.Name))
            {
                results.Add(Failed(name, id, ErrorCode.InvalidRequest, $"Topic {topic.Name} is named more than once"));
            }
            else if (name is not null)
            {
                names.Add(name);
            }
            else
            {
                ids.Add(id);
            }
        }

        Add(results, await services.Controller.DeleteTopicsAsync(names).ConfigureAwait(false));
        Add(results, await services.Controller.DeleteTopicsByIdAsync(ids).ConfigureAwait(false));
        return new DeleteTopicsResponse { Responses = results };
    }

    private static List<(string? Name, Guid Id)> Asked(DeleteTopicsRequest request, short version)
    {
        var asked = new List<(string?, Guid)>();
        if (version >= 6)
        {
            foreach (DeleteTopicsRequest.DeleteTopicState topic in request.Topics)
            {
                asked.Add((topic.Name, topic.TopicId));
            }
        }
        else
        {
            foreach (string name in request.TopicNames)
            {
                asked.Add((name, Guid.Empty));
            }
        }

        return asked;
    }

    private static void Add(List<DeleteTopicsResponse.DeletableTopicResult> results, IReadOnlyList<DeleteTopicResult> deletions)
    {
        foreach (DeleteTopicResult deleted in deletions)
        {
            results.Add(new() { Name = deleted.Name, TopicId = deleted.TopicId, ErrorCode = deleted.Error, ErrorMessage = deleted.Message });
        }
    }

    private static DeleteTopicsResponse.DeletableTopicResult Failed(string? name, Guid id, ErrorCode error, string? message) =>
        new() { Name = name, TopicId = id, ErrorCode = error, ErrorMessage = message };
}
