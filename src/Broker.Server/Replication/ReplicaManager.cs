using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Broker.Cluster;
using Broker.Configuration;
using Broker.Protocol;
using Broker.Storage;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

/// <summary>
/// The partitions of this broker. Created and stopped by the controller's decisions (one caller at a time), read by all handlers. A partition whose log finds no room
/// is not hosted until there is some.
/// </summary>
internal sealed class ReplicaManager(int brokerId, LogManager logs, ConfigStore config, TimeProvider time, ILogger<ReplicaManager> logger) : IReplicaHost
{
    private readonly ConcurrentDictionary<TopicPartition, Partition> _partitions = new();
    private readonly ConcurrentDictionary<TopicPartition, (TopicImage Topic, PartitionImage Role)> _withoutLog = new();

    // Replicas that are not new and have no log here while a directory is offline: it is there, and must not be begun anew elsewhere.
    private readonly ConcurrentDictionary<TopicPartition, bool> _unreadable = new();

    // Replicas whose log here is of another topic.
    private readonly ConcurrentDictionary<TopicPartition, bool> _inconsistent = new();
    private readonly SemaphoreSlim _changes = new(1);
    private readonly List<Action<IReadOnlyCollection<TopicPartition>>> _stopObservers = [];
    private readonly List<Action<TopicPartition, int>> _leaderObservers = [];
    private readonly List<Action> _brokerConfigObservers = [];
    private readonly List<Action<IReadOnlyList<BrokerImage>>> _liveObservers = [];
    private readonly List<Action<string>> _deletionObservers = [];

    /// <summary>Copies from other brokers; null where there are none. Set before the controller starts.</summary>
    public ReplicaFetchers? Fetchers { get; set; }

    public int BrokerId => brokerId;

    public LogManager Logs => logs;

    /// <summary>How long fetches and produces wait at most; ends when the broker begins to stop, so that they are answered at once.</summary>
    public TimerWheel Limits { get; } = new(time);

    public ICollection<Partition> Partitions => _partitions.Values;

    public bool TryGet(TopicPartition key, [NotNullWhen(true)] out Partition? partition) => _partitions.TryGetValue(key, out partition);

    /// <summary>Calls back after partitions stopped being hosted or led here. Register before the controller starts.</summary>
    public void OnStopped(Action<IReadOnlyCollection<TopicPartition>> observer) => _stopObservers.Add(observer);

    /// <summary>Calls back when a topic is deleted, whether it had replicas here or not. Register before the controller starts.</summary>
    public void OnDeleted(Action<string> observer) => _deletionObservers.Add(observer);

    /// <summary>Calls back after this broker became leader of a partition, with the leader epoch. Register before the controller starts.</summary>
    public void OnLeader(Action<TopicPartition, int> observer) => _leaderObservers.Add(observer);

    /// <summary>Calls back after dynamic broker configuration changed. Register before the controller starts.</summary>
    public void OnBrokerConfig(Action observer) => _brokerConfigObservers.Add(observer);

    /// <summary>Calls back when other brokers live than before. Register before the controller starts.</summary>
    public void OnLiveBrokers(Action<IReadOnlyList<BrokerImage>> observer) => _liveObservers.Add(observer);

    public async Task ApplyLeaderAndIsrAsync(TopicImage topic, IReadOnlyList<PartitionImage> partitions)
    {
        TopicConfig effective = config.Topic(topic.Config);
        await _changes.WaitAsync().ConfigureAwait(false);
        try
        {
            foreach (PartitionImage role in partitions)
            {
                await HostAsync(topic, role, effective).ConfigureAwait(false);
            }
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>True for a partition that this broker should host, but no log directory can hold at present.</summary>
    public bool IsWithoutLog(TopicPartition key) => _withoutLog.ContainsKey(key) || IsOffline(key);

    public bool IsOffline(TopicPartition key) => _unreadable.ContainsKey(key) || (_partitions.TryGetValue(key, out Partition? partition) && partition.Log.IsOffline);

    public bool IsOfAnotherTopic(TopicPartition key) => _inconsistent.ContainsKey(key);

    /// <summary>A log directory has failed. Called with locks held, so that the rest is done in the background: what it held is neither copied nor waited for any more.</summary>
    public void OnDirectoryFailed(Action announce) => _ = Task.Run(() => GiveUpOfflineAsync(announce));

    private async Task GiveUpOfflineAsync(Action announce)
    {
        await _changes.WaitAsync().ConfigureAwait(false);
        try
        {
            var stopped = new List<TopicPartition>();
            foreach (Partition partition in _partitions.Values.Where(p => p.Log.IsOffline))
            {
                await StopFollowingAsync(partition.TopicPartition).ConfigureAwait(false);
                if (partition.OnOffline() && Fetchers is not null)
                {
                    // Another broker will lead it; alone there is nobody to go to.
                    stopped.Add(partition.TopicPartition);
                }
            }

            foreach (Action<IReadOnlyCollection<TopicPartition>> observer in _stopObservers)
            {
                observer(stopped);
            }
        }
        finally
        {
            _changes.Release();
        }

        announce();
    }

    /// <summary>A log directory that was full has room again: what could not be hosted is tried once more, in the background.</summary>
    public void OnRoomFound() => _ = HostWithoutLogAsync();

    /// <summary>num.replica.fetchers may have changed. What it takes is done in the background.</summary>
    public void OnFetcherCount(int count) => _ = ResizeFetchersAsync(count);

    private async Task ResizeFetchersAsync(int count)
    {
        await _changes.WaitAsync().ConfigureAwait(false);
        try
        {
            await Fetchers!.ResizeAsync(count).ConfigureAwait(false);
        }
        finally
        {
            _changes.Release();
        }
    }

    private async Task HostWithoutLogAsync()
    {
        await _changes.WaitAsync().ConfigureAwait(false);
        try
        {
            foreach ((TopicImage topic, PartitionImage role) in _withoutLog.Values)
            {
                await HostAsync(topic, role, config.Topic(topic.Config)).ConfigureAwait(false);
            }
        }
        finally
        {
            _changes.Release();
        }
    }

    private async Task HostAsync(TopicImage topic, PartitionImage role, TopicConfig effective)
    {
        var key = new TopicPartition(topic.Name, role.Index);
        _withoutLog.TryRemove(key, out _);
        _unreadable.TryRemove(key, out _);
        _inconsistent.TryRemove(key, out _);
        if (role.Leader != brokerId && (Fetchers is null || !role.Replicas.Contains(brokerId)))
        {
            return;
        }

        if (await FindOrOpenAsync(topic, role, key, effective).ConfigureAwait(false) is not { } partition)
        {
            return;
        }

        if (partition.Log.IsOffline && Fetchers is not null)
        {
            // Nothing can be done with it before the next start.
            Show(partition);
            return;
        }

        await ApplyAsync(partition, role).ConfigureAwait(false);
    }

    /// <summary>Null when the partition cannot be hosted at present.</summary>
    private async Task<Partition?> FindOrOpenAsync(TopicImage topic, PartitionImage role, TopicPartition key, TopicConfig effective)
    {
        if (_partitions.TryGetValue(key, out Partition? partition) && (partition.Log.TopicId == topic.Id || topic.Id == Guid.Empty))
        {
            return partition;
        }

        if (Fetchers is not null && role.LeaderEpoch > 0 && !role.Adding.Contains(brokerId) && logs.Find(key) is null && logs.Directories.Any(d => !d.IsOnline))
        {
            _unreadable[key] = true;
            ReplicationLog.Unreadable(logger, key);
            return null;
        }

        try
        {
            PartitionLog log = logs.GetOrCreate(key, topic.Id, effective);
            return partition ?? new Partition(log, brokerId, time);
        }
        catch (InconsistentTopicIdException e)
        {
            // A partition that is new, or that others have, takes nothing from this log. Any other may be the same topic, whose id somebody lost.
            bool isNeedless = role.LeaderEpoch == 0 || !role.Isr.Contains(brokerId);
            if (isNeedless && await SetAsideAsync(key, e.Found, topic.Id).ConfigureAwait(false))
            {
                return await FindOrOpenAsync(topic, role, key, effective).ConfigureAwait(false);
            }

            if (!isNeedless)
            {
                _inconsistent[key] = true;
                ReplicationLog.InconsistentTopicId(logger, key, Uuids.ToText(topic.Id), Uuids.ToText(e.Found));
            }

            return null;
        }
        catch (NoLogDirectoryException e)
        {
            _withoutLog[key] = (topic, role);
            ReplicationLog.WithoutLog(logger, key, e.Message);
            return null;
        }
    }

    /// <summary>
    /// The log here is of a topic that had the same name and is no more, though nobody told this broker to delete it: its nodes were removed by hand. Its records are kept where
    /// whoever did that can find them.
    /// </summary>
    private async Task<bool> SetAsideAsync(TopicPartition key, Guid found, Guid id)
    {
        var stopped = new List<TopicPartition>();
        await StopAsync(key, delete: false, stopped).ConfigureAwait(false);
        foreach (Action<IReadOnlyCollection<TopicPartition>> observer in _stopObservers)
        {
            observer(stopped);
        }

        if (logs.SetAside(key) is not { } aside)
        {
            return false;
        }

        ReplicationLog.SetAside(logger, key, Uuids.ToText(found), Uuids.ToText(id), aside);
        return true;
    }

    /// <summary>
    /// Tells of logs that nobody asks for: of topics that are not in the cluster, and of partitions that were assigned to others while this broker was away. They are neither
    /// served nor deleted. Called when the cluster is known.
    /// </summary>
    public void ReportStray(MetadataImage image)
    {
        foreach (IGrouping<string, PartitionLog> logsOfTopic in logs.Logs.GroupBy(log => log.TopicPartition.Topic, StringComparer.Ordinal))
        {
            if (image.Topic(logsOfTopic.Key) is not { } topic)
            {
                ReplicationLog.Stray(logger, logsOfTopic.Key, logsOfTopic.Count(), logsOfTopic.First().DirectoryPath);
            }
            else if (logsOfTopic.Where(log => IsOfOthers(log, topic)).ToArray() is { Length: > 0 } left)
            {
                ReplicationLog.Left(logger, topic.Name, left.Length, left[0].DirectoryPath);
            }
        }
    }

    /// <summary>Not while nobody has told who its replicas are, nor for a topic that had the same name.</summary>
    private bool IsOfOthers(PartitionLog log, TopicImage topic) =>
        log.TopicPartition.Partition < topic.Partitions.Count && topic.Partitions[log.TopicPartition.Partition].Replicas is { Length: > 0 } replicas && !replicas.Contains(brokerId)
        && (log.TopicId == topic.Id || log.TopicId == Guid.Empty);

    private async Task ApplyAsync(Partition partition, PartitionImage role)
    {
        if (partition.LeaderEpoch >= role.LeaderEpoch)
        {
            // An older decision that comes late, or the same told by a new controller.
            if (partition.LeaderEpoch == role.LeaderEpoch)
            {
                partition.Refresh(role);
            }

            return;
        }

        TopicPartition key = partition.TopicPartition;
        bool led = partition.Role?.Leader == brokerId;
        if (role.Leader == brokerId)
        {
            await StopFollowingAsync(key).ConfigureAwait(false);
            partition.BecomeLeader(role);
            Show(partition);

            // Who goes on leading in a new epoch, because a follower died, has nothing to load again.
            foreach (Action<TopicPartition, int> observer in led ? [] : _leaderObservers)
            {
                observer(key, role.LeaderEpoch);
            }

            return;
        }

        await StopFollowingAsync(key).ConfigureAwait(false);
        partition.BecomeFollower(role);
        Show(partition);
        if (led)
        {
            foreach (Action<IReadOnlyCollection<TopicPartition>> observer in _stopObservers)
            {
                observer([key]);
            }
        }

        if (role.Leader >= 0)
        {
            await Fetchers!.FollowAsync(partition, role.Leader, role.LeaderEpoch).ConfigureAwait(false);
        }
    }

    /// <summary>Not before it has a role that says who leads, and before anybody is told of the role: coordinators read the log at once.</summary>
    private void Show(Partition partition) => _partitions[partition.TopicPartition] = partition;

    private Task StopFollowingAsync(TopicPartition partition) => Fetchers?.StopAsync(partition) ?? Task.CompletedTask;

    public async Task StopReplicasAsync(IReadOnlyList<TopicPartition> partitions, bool delete)
    {
        var stopped = new List<TopicPartition>(partitions.Count);
        await _changes.WaitAsync().ConfigureAwait(false);
        try
        {
            foreach (TopicPartition key in partitions)
            {
                await StopAsync(key, delete, stopped).ConfigureAwait(false);
            }

            foreach (Action<IReadOnlyCollection<TopicPartition>> observer in _stopObservers)
            {
                observer(stopped);
            }
        }
        finally
        {
            _changes.Release();
        }
    }

    private async Task StopAsync(TopicPartition key, bool delete, List<TopicPartition> stopped)
    {
        _withoutLog.TryRemove(key, out _);
        _unreadable.TryRemove(key, out _);
        _inconsistent.TryRemove(key, out _);
        await StopFollowingAsync(key).ConfigureAwait(false);
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

    public void OnTopicDeleted(string topic)
    {
        foreach (Action<string> observer in _deletionObservers)
        {
            observer(topic);
        }
    }

    public void OnMetadata(MetadataImage old, MetadataImage current)
    {
        if (!ReferenceEquals(old.Brokers, current.Brokers))
        {
            foreach (Action<IReadOnlyList<BrokerImage>> observer in _liveObservers)
            {
                observer(current.Brokers);
            }
        }

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

    [LoggerMessage(Level = LogLevel.Warning, Message = "Partition {Partition} has no log yet: {Reason}. It is tried again when there is room")]
    public static partial void WithoutLog(ILogger logger, TopicPartition partition, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Partition} has no log in the directories that work while another one is offline: it is not begun anew, its log may be there")]
    public static partial void Unreadable(ILogger logger, TopicPartition partition);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Partition}: the log here belongs to topic id {Found}, which is no more, and the topic has id {Id} now. The old log is set aside as {Aside}; remove it if nobody wants its records")]
    public static partial void SetAside(ILogger logger, TopicPartition partition, string found, string id, string aside);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Partition} is not hosted: the topic has id {Id}, but the directory here belongs to topic id {Found}. Remove the directory if its topic was deleted")]
    public static partial void InconsistentTopicId(ILogger logger, TopicPartition partition, string id, string found);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Topic {Topic} is not in the cluster, but {Partitions} partitions of it have logs here, one in {Path}. They are not served; "
            + "stop the broker and remove their directories if the topic was deleted on purpose")]
    public static partial void Stray(ILogger logger, string topic, int partitions, string path);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "Topic {Topic}: {Partitions} partitions have logs here, one in {Path}, but this broker is not one of their replicas: they were assigned to others while it was away. "
            + "They are not served, and go on when they are assigned to it again; to free their space, stop the broker and remove their directories")]
    public static partial void Left(ILogger logger, string topic, int partitions, string path);
}
