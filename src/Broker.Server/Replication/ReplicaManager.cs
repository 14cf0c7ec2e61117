using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Broker.Cluster;
using Broker.Configuration;
using Broker.Protocol;
using Broker.Storage;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>
/// The partitions of this broker. Created and stopped by the controller's decisions (one caller at a time), read by all handlers.
/// </summary>
internal sealed class ReplicaManager(int brokerId, LogManager logs, ConfigStore config, ILogger<ReplicaManager> logger) : IReplicaHost
{
    private readonly ConcurrentDictionary<TopicPartition, Partition> _partitions = new();
    private readonly List<Action<IReadOnlyCollection<TopicPartition>, bool>> _stopObservers = [];
    private readonly List<Action<TopicPartition, int>> _leaderObservers = [];
    private readonly List<Action> _brokerConfigObservers = [];

    public int BrokerId => brokerId;

    public LogManager Logs => logs;

    public ICollection<Partition> Partitions => _partitions.Values;

    public bool TryGet(TopicPartition key, [NotNullWhen(true)] out Partition? partition) => _partitions.TryGetValue(key, out partition);

    /// <summary>Calls back after partitions stopped being hosted here, and whether for good. Register before the controller starts.</summary>
    public void OnStopped(Action<IReadOnlyCollection<TopicPartition>, bool> observer) => _stopObservers.Add(observer);

    /// <summary>Calls back after this broker became leader of a partition, with the leader epoch. Register before the controller starts.</summary>
    public void OnLeader(Action<TopicPartition, int> observer) => _leaderObservers.Add(observer);

    /// <summary>Calls back after dynamic broker configuration changed. Register before the controller starts.</summary>
    public void OnBrokerConfig(Action observer) => _brokerConfigObservers.Add(observer);

    public Task ApplyLeaderAndIsrAsync(TopicImage topic, IReadOnlyList<PartitionImage> partitions)
    {
        TopicConfig effective = config.Topic(topic.Config);
        foreach (PartitionImage role in partitions)
        {
            var key = new TopicPartition(topic.Name, role.Index);
            if (role.Leader != brokerId)
            {
                continue;
            }

            Partition partition = _partitions.GetOrAdd(key, static (k, state) => new Partition(state.logs.GetOrCreate(k, state.id, state.effective)), (logs, id: topic.Id, effective));
            partition.BecomeLeader(role);
            foreach (Action<TopicPartition, int> observer in _leaderObservers)
            {
                observer(key, role.LeaderEpoch);
            }
        }

        return Task.CompletedTask;
    }

    public Task StopReplicasAsync(IReadOnlyList<TopicPartition> partitions, bool delete)
    {
        var stopped = new List<TopicPartition>(partitions.Count);
        foreach (TopicPartition key in partitions)
        {
            if (_partitions.TryRemove(key, out Partition? partition))
            {
                partition.Stop();
                stopped.Add(key);
            }

            if (delete)
            {
                logs.Delete(key);
                ReplicationLog.Deleted(logger, key);
            }
        }

        foreach (Action<IReadOnlyCollection<TopicPartition>, bool> observer in _stopObservers)
        {
            observer(stopped, delete);
        }

        return Task.CompletedTask;
    }

    public void OnMetadata(MetadataImage old, MetadataImage current)
    {
        bool brokerConfigChanged = !ReferenceEquals(old.BrokerConfigs, current.BrokerConfigs);
        if (brokerConfigChanged)
        {
            config.Apply(current.BrokerConfigs);
            foreach (Action observer in _brokerConfigObservers)
            {
                observer();
            }
        }

        // Creating and deleting topics changes their number; a change of configuration does not.
        if (!brokerConfigChanged && old.TopicsByName.Count != current.TopicsByName.Count)
        {
            return;
        }

        foreach (TopicImage topic in current.Topics)
        {
            if (brokerConfigChanged || (old.Topic(topic.Name) is { } before && !ReferenceEquals(before.Config, topic.Config)))
            {
                ApplyConfig(topic);
            }
        }
    }

    private void ApplyConfig(TopicImage topic)
    {
        TopicConfig effective = config.Topic(topic.Config);
        foreach (PartitionImage partition in topic.Partitions)
        {
            if (_partitions.TryGetValue(new TopicPartition(topic.Name, partition.Index), out Partition? hosted))
            {
                hosted.Log.UpdateConfig(effective);
            }
        }
    }
}

internal static partial class ReplicationLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "Partition {Partition} is deleted")]
    public static partial void Deleted(ILogger logger, TopicPartition partition);
}
