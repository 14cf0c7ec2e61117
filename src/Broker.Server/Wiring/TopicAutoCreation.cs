using Broker.Cluster;
using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>
/// Creates topics that clients name before they exist, and the coordinators' own topics on first use.
/// Kafka answers LEADER_NOT_AVAILABLE for a topic it has just created and lets the client come back; here it is ready at once where this broker is the controller.
/// </summary>
internal sealed class TopicAutoCreation(ConfigStore config, MetadataStore metadata, ControllerLink controller, ILogger<TopicAutoCreation> logger)
{
    /// <summary>None when the topic is there, whoever made it.</summary>
    public async ValueTask<ErrorCode> CreateAsync(string name)
    {
        if (InternalTopics.IsInternal(name))
        {
            return await EnsureInternalAsync(name).ConfigureAwait(false) is null ? ErrorCode.InvalidReplicationFactor : ErrorCode.None;
        }

        var topic = new NewTopic(name, null, null, null, new Dictionary<string, string>());
        if (await controller.CreateTopicAsync(topic).ConfigureAwait(false) is not { } result)
        {
            return ErrorCode.LeaderNotAvailable;
        }

        if (result.Error is ErrorCode.None or ErrorCode.TopicAlreadyExists)
        {
            return ErrorCode.None;
        }

        AutoCreationLog.Failed(logger, name, result.Error, result.Message ?? "");
        return result.Error;
    }

    /// <summary>Returns the internal topic, made if need be; null when it cannot be made now.</summary>
    public async ValueTask<TopicImage?> EnsureInternalAsync(string name)
    {
        if (metadata.Current.Topic(name) is { } existing)
        {
            return existing;
        }

        if (await controller.CreateTopicAsync(config.InternalTopic(name)).ConfigureAwait(false) is { } result && result.Error is not (ErrorCode.None or ErrorCode.TopicAlreadyExists))
        {
            AutoCreationLog.Failed(logger, name, result.Error, result.Message ?? "");
        }

        return metadata.Current.Topic(name);
    }
}

internal static partial class AutoCreationLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Topic {Topic} could not be created on first use: {Error} {Reason}")]
    public static partial void Failed(ILogger logger, string topic, ErrorCode error, string reason);
}
