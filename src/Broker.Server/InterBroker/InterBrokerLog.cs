using Broker.Protocol;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

internal static partial class InterBrokerLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Nothing listens at {Host}:{Port} any more: broker {Broker}, epoch {Epoch}, has ended, though its session has not")]
    public static partial void Refuses(ILogger logger, int broker, long epoch, string host, int port);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Broker {Broker}, epoch {Epoch}, accepts connections at {Host}:{Port} again")]
    public static partial void AcceptsAgain(ILogger logger, int broker, long epoch, string host, int port);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Api} to broker {Broker} failed and is sent again until it is answered or the broker is gone: {Reason}")]
    public static partial void NotSent(ILogger logger, ApiKey api, int broker, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Work} failed by a defect of the broker and is tried again")]
    public static partial void Defect(ILogger logger, string work, Exception cause);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Api} to broker {Broker} failed: {Reason}")]
    public static partial void PeerFailed(ILogger logger, ApiKey api, int broker, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Api} to the controller, broker {Controller}, failed: {Reason}")]
    public static partial void ControllerFailed(ILogger logger, ApiKey api, int controller, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "Controlled shutdown: {Remaining} partitions are still led here, attempt {Attempt} of {Attempts}")]
    public static partial void ShutdownRemaining(ILogger logger, int remaining, int attempt, int attempts);

    [LoggerMessage(Level = LogLevel.Warning, Message = "ISR of {Partition} was not changed from [{From}] to [{To}]: {Error}")]
    public static partial void IsrRefused(ILogger logger, TopicPartition partition, string from, string to, ErrorCode error);

    [LoggerMessage(Level = LogLevel.Information, Message = "ISR of {Partition} is [{To}] now, was [{From}]")]
    public static partial void IsrChanged(ILogger logger, TopicPartition partition, string from, string to);

    [LoggerMessage(Level = LogLevel.Information, Message = "Following {Partition} from broker {Leader}, leader epoch {LeaderEpoch}, offset {Offset}")]
    public static partial void Follows(ILogger logger, TopicPartition partition, int leader, int leaderEpoch, long offset);

    [LoggerMessage(Level = LogLevel.Information, Message = "Each leader is followed by {Count} fetchers from now on (num.replica.fetchers)")]
    public static partial void Resized(ILogger logger, int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "Truncated {Partition} to {Offset}: the leader's log ends epoch {Epoch} at {EndOffset}")]
    public static partial void Truncated(ILogger logger, TopicPartition partition, long offset, int epoch, long endOffset);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Fetching from broker {Leader} failed: {Reason}")]
    public static partial void FetchFailed(ILogger logger, int leader, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Fetching {Partition} from broker {Leader} is tried again: {Error}")]
    public static partial void PartitionFailed(ILogger logger, TopicPartition partition, int leader, ErrorCode error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Partition} starts over at offset {Offset}: the leader has nothing before it")]
    public static partial void StartsOver(ILogger logger, TopicPartition partition, long offset);
}
