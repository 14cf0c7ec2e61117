using Broker.Cluster;
using Broker.Configuration;
using Broker.Protocol;
using Broker.Storage;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>
/// Finds the topics of log directories that another broker wrote (Apache Kafka, or this one before its coordination files were lost) when the tree is new.
/// What the directories do not hold is guessed on the safe side and said in the log.
/// </summary>
internal sealed partial class LogAdoption(ConfigStore config, LogManager logs, ILogger<LogAdoption> logger)
{
    public async Task RunAsync(ICoordinationTree tree, int brokerId)
    {
        if (!await ClusterController.IsNewTreeAsync(tree).ConfigureAwait(false))
        {
            return;
        }

        List<FoundTopic> found = [.. logs.Logs.GroupBy(log => log.TopicPartition.Topic, StringComparer.Ordinal).Select(topic => Find(topic.Key, [.. topic]))];
        long largestProducerId = logs.Logs.SelectMany(log => log.Producers()).Select(producer => producer.ProducerId).DefaultIfEmpty(-1).Max();
        await ClusterController.AdoptAsync(tree, brokerId, found, largestProducerId).ConfigureAwait(false);
    }

    private FoundTopic Find(string name, IReadOnlyList<PartitionLog> partitions)
    {
        int count = partitions.Max(log => log.TopicPartition.Partition) + 1;
        int[] epochs = new int[count];
        Array.Fill(epochs, -1);
        foreach (PartitionLog log in partitions)
        {
            epochs[log.TopicPartition.Partition] = log.LatestLeaderEpoch;
        }

        Guid[] ids = [.. partitions.Select(log => log.TopicId).Where(id => id != Guid.Empty).Distinct()];
        if (ids.Length > 1)
        {
            throw new LoadException(
                $"The partitions of topic {name} in log.dirs have different topic ids ({string.Join(", ", ids.Select(Uuids.ToText))}): some are left of an older topic of this name. "
                + "Move the directories of the older one away");
        }

        IReadOnlyDictionary<string, string> overrides =
            InternalTopics.IsInternal(name) ? config.InternalTopic(name).Configs
            : partitions.Any(log => log.HasBeenCleaned) ? new Dictionary<string, string>(StringComparer.Ordinal) { ["cleanup.policy"] = "compact" }
            : [];
        TopicConfig effective = config.Topic(overrides);
        foreach (PartitionLog log in partitions)
        {
            // Loaded with the broker's defaults, as no tree knew better.
            log.UpdateConfig(effective);
        }

        LogAdopted(logger, name, partitions.Count, string.Join(", ", overrides.Select(o => $"{o.Key}={o.Value}")));
        if (partitions.Count < count)
        {
            LogMissing(logger, name, string.Join(", ", Enumerable.Range(0, count).Except(partitions.Select(log => log.TopicPartition.Partition))));
        }

        return new FoundTopic(name, ids is [Guid id] ? id : Guid.Empty, epochs, overrides);
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Topic {Topic} was found in log.dirs with {Partitions} partitions and is taken over. Its configuration was not kept there: it gets the "
        + "broker's defaults and [{Overrides}]; set what differs with kafka-configs.sh")]
    private static partial void LogAdopted(ILogger logger, string topic, int partitions, string overrides);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Partitions {Partitions} of topic {Topic} are not in log.dirs: they start empty. If other brokers have them, copy their directories here "
        + "before the first start")]
    private static partial void LogMissing(ILogger logger, string topic, string partitions);
}
