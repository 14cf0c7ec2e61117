using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Cluster;

/// <summary>
/// Log directories that fail. The broker leaves a note in the tree; the controller then tells it its roles again, and learns from the answer which replicas it cannot serve.
/// They are as good as on a dead broker until the broker registers again: only a start looks at directories anew.
/// </summary>
public sealed partial class ClusterController
{
    private readonly Dictionary<int, HashSet<TopicPartition>> _offline = [];

    /// <summary>A log directory of this broker has failed. Whoever is the controller hears of it, now or when the tree can be reached.</summary>
    public void OnDirectoryFailed()
    {
        if (_links is not null)
        {
            _directoryFailed.Fire();
        }
    }

    private async Task AnnounceFailedDirectoryAsync() =>
        await _tree.MultiAsync([TreeOperation.Create(ZnodePaths.LogDirEventPrefix, LogDirEventZnode.Encode(Self), CreateMode.PersistentSequential)]).ConfigureAwait(false);

    private async Task OnDirectoriesFailedAsync(Action<WatchedEvent> watch)
    {
        if (!_isActive)
        {
            return;
        }

        IReadOnlyList<string> notes = await _tree.ChildrenAsync(ZnodePaths.LogDirEvents, watch).ConfigureAwait(false);
        var brokers = new HashSet<int>();
        foreach (string note in notes)
        {
            string path = $"{ZnodePaths.LogDirEvents}/{note}";
            try
            {
                if (await TryGetAsync(_tree, path).ConfigureAwait(false) is { } node)
                {
                    brokers.Add(LogDirEventZnode.DecodeBroker(path, node.Data));
                }
            }
            catch (InvalidDataException e)
            {
                ControllerLog.Ignored(_logger, path, e.Message);
            }
        }

        MetadataImage image = Image;
        foreach (BrokerImage broker in image.Brokers.Where(b => brokers.Contains(b.Id)))
        {
            TopicChange[] hosted = [.. image.Topics.Select(t => new TopicChange(t, [.. t.Partitions.Where(p => p.Replicas.Contains(broker.Id))])).Where(c => c.Partitions.Count > 0)];
            if (broker.Id == Self)
            {
                await OnOwnRolesAsync(hosted).ConfigureAwait(false);
            }
            else if (Requests.LeaderAndIsr(image, broker, hosted) is { } roles)
            {
                SendRoles(broker, roles);
            }
        }

        await CommitAsync([.. notes.Select(note => TreeOperation.Delete($"{ZnodePaths.LogDirEvents}/{note}"))]).ConfigureAwait(false);
    }

    /// <summary>Every answer is looked at: a broker may have come with a directory that cannot be read.</summary>
    private void SendRoles(BrokerImage broker, LeaderAndIsrRequest roles) => _links!.Remote.Send(broker.Id, ApiKey.LeaderAndIsr, roles, answer =>
    {
        if (answer is LeaderAndIsrResponse { ErrorCode: ErrorCode.None } response && HasOffline(response))
        {
            TryEnqueue(() => OnRolesAnsweredAsync(broker, response));
        }
    });

    private static bool HasOffline(LeaderAndIsrResponse response)
    {
        foreach (LeaderAndIsrResponse.LeaderAndIsrTopicError topic in response.Topics)
        {
            foreach (LeaderAndIsrResponse.LeaderAndIsrPartitionError partition in topic.PartitionErrors)
            {
                if (partition.ErrorCode == ErrorCode.KafkaStorageError)
                {
                    return true;
                }
            }
        }

        return false;
    }

    private async Task OnRolesAnsweredAsync(BrokerImage broker, LeaderAndIsrResponse response)
    {
        if (!_isActive || Image.Broker(broker.Id)?.Epoch != broker.Epoch)
        {
            return;
        }

        var failed = new List<TopicPartition>();
        foreach (LeaderAndIsrResponse.LeaderAndIsrTopicError topic in response.Topics)
        {
            string? name = Image.Topic(topic.TopicId)?.Name;
            foreach (LeaderAndIsrResponse.LeaderAndIsrPartitionError partition in topic.PartitionErrors)
            {
                if (name is not null && partition.ErrorCode == ErrorCode.KafkaStorageError)
                {
                    failed.Add(new TopicPartition(name, partition.PartitionIndex));
                }
            }
        }

        await OnOfflineAsync(broker.Id, failed).ConfigureAwait(false);
    }

    private Task OnOwnRolesAsync(IReadOnlyList<TopicChange> told) => OnOfflineAsync(
        Self, [.. told.SelectMany(c => c.Partitions.Where(p => p.Replicas.Contains(Self)).Select(p => new TopicPartition(c.Topic.Name, p.Index))).Where(_host.IsOffline)]);

    /// <summary>Elects others where replicas went offline that were not known to be.</summary>
    private async Task OnOfflineAsync(int broker, IReadOnlyList<TopicPartition> partitions)
    {
        if (!_isActive)
        {
            return;
        }

        HashSet<TopicPartition> known = _offline.TryGetValue(broker, out HashSet<TopicPartition>? before) ? before : [];
        TopicPartition[] news = [.. partitions.Where(known.Add)];
        if (news.Length == 0)
        {
            return;
        }

        _offline[broker] = known;
        MetadataImage image = Image;
        var changes = new PartitionChanges(image, _epoch);
        foreach (TopicPartition key in news)
        {
            if (image.Topic(key.Topic) is { } topic && (uint)key.Partition < (uint)topic.Partitions.Count)
            {
                PartitionImage partition = topic.Partitions[key.Partition];
                (int leader, int[] isr) = PartitionElection.AfterBrokers(partition.Replicas, partition.Leader, partition.Isr, Usable(image, topic, partition.Index), _heldForDead.ContainsKey, AllowsUnclean(topic));
                changes.Add(topic, partition, leader, isr, Unserved(image, topic, partition));
            }
        }

        IReadOnlyList<TopicChange> told = await CommitAsync(changes).ConfigureAwait(false);
        ControllerLog.DirectoryFailed(_logger, broker, news.Length, told.Sum(c => c.Partitions.Count(p => p.Leader < 0)));
    }

    /// <summary>Which brokers may lead a partition or come into its ISR: alive, not about to stop, and not with a failed directory.</summary>
    private Predicate<int> Usable(MetadataImage image, TopicImage topic, int partition) =>
        broker => image.Broker(broker) is not null && !_leaving.Contains(broker) && !IsOffline(broker, topic, partition);

    /// <summary>The replicas of a partition that nobody can read from.</summary>
    private int[] Unserved(MetadataImage image, TopicImage topic, PartitionImage partition) =>
        Offline(partition.Replicas, Array.FindAll(partition.Replicas, b => image.Broker(b) is not null && !IsOffline(b, topic, partition.Index)));

    private bool IsOffline(int broker, TopicImage topic, int partition) =>
        _offline.TryGetValue(broker, out HashSet<TopicPartition>? partitions) && partitions.Contains(new TopicPartition(topic.Name, partition));
}
