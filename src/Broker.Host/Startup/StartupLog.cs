using Microsoft.Extensions.Logging;

namespace Broker.Host.Startup;

internal static partial class StartupLog
{
    [LoggerMessage(1, LogLevel.Warning, "{Notice}")]
    public static partial void Notice(ILogger logger, string notice);

    [LoggerMessage(2, LogLevel.Information, "{Summary}")]
    public static partial void Summary(ILogger logger, string summary);

    [LoggerMessage(3, LogLevel.Information, "[BrokerLifecycleManager id={BrokerId}] The broker has been unfenced. Transitioning from RECOVERY to RUNNING.")]
    public static partial void Unfenced(ILogger logger, int brokerId);

    [LoggerMessage(4, LogLevel.Information, "[KafkaServer id={BrokerId}] started")]
    public static partial void Started(ILogger logger, int brokerId);

    [LoggerMessage(5, LogLevel.Information, "[KafkaRaftServer nodeId={BrokerId}] Kafka Server started")]
    public static partial void RaftStarted(ILogger logger, int brokerId);

    [LoggerMessage(6, LogLevel.Information, "[KafkaServer id={BrokerId}] shut down completed")]
    public static partial void ShutDownCompleted(ILogger logger, int brokerId);

    [LoggerMessage(7, LogLevel.Information, "Created topic {Topic} with {Partitions} partitions (KAFKA_CREATE_TOPICS).")]
    public static partial void TopicCreated(ILogger logger, string topic, int partitions);

    [LoggerMessage(8, LogLevel.Warning, "Topic {Topic} of KAFKA_CREATE_TOPICS was not created: {Reason}")]
    public static partial void TopicNotCreated(ILogger logger, string topic, string reason);
}
