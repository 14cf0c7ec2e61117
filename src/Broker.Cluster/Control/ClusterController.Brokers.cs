using System.Collections.Immutable;
using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>Brokers that die, come back, or stop in order.</summary>
public sealed partial class ClusterController
{
    // Brokers that asked for their shutdown: they do not come back into an ISR before they are gone.
    private readonly HashSet<int> _leaving = [];

    private async Task OnBrokersChangedAsync(Action<WatchedEvent>? watch)
    {
        if (!_isActive)
        {
            return;
        }

        (IReadOnlyList<BrokerImage> now, HashSet<int> ended) = await LoadLiveAsync(watch).ConfigureAwait(false);
        MetadataImage image = Image;
        // The same id with another epoch died and came back: what it led has to be elected as if it had stayed away.
        HashSet<int> gone = [.. image.Brokers.Where(b => !now.Any(n => n.Id == b.Id && n.Epoch == b.Epoch)).Select(b => b.Id), .. ended];
        HashSet<int> came = [.. now.Where(n => !image.Brokers.Any(b => b.Id == n.Id && b.Epoch == n.Epoch)).Select(n => n.Id)];
        bool sameEndpoints = now.All(n => image.Broker(n.Id) is { } b && Addresses(b.Endpoints).SetEquals(Addresses(n.Endpoints)));
        if (gone.Count == 0 && came.Count == 0 && sameEndpoints)
        {
            return;
        }

        ForgetDropping(gone);
        _links!.Remote.SetLive([.. now.Where(b => b.Id != Self)]);
        var changes = new List<TopicChange>();
        if (gone.Count > 0)
        {
            changes.AddRange(await ReelectAsync(Image with { Brokers = [.. image.Brokers.Where(b => !gone.Contains(b.Id))] }, gone, null).ConfigureAwait(false));
        }

        changes.AddRange(await ReelectAsync(Image with { Brokers = now }, came, came).ConfigureAwait(false));
        PartitionImage[] changed = [.. changes.SelectMany(c => c.Partitions)];
        ControllerLog.BrokersChanged(_logger, string.Join(", ", gone), string.Join(", ", came), changed.Length, changed.Count(p => p.Leader < 0));
        foreach (int broker in came)
        {
            await ResumeDeletionsAsync(broker).ConfigureAwait(false);
        }

        _reassignmentsDue.Fire();
    }

    /// <summary>Elects among the brokers of <paramref name="image"/> wherever one of <paramref name="touched"/> has a part, writes and tells it.</summary>
    private async Task<IReadOnlyList<TopicChange>> ReelectAsync(MetadataImage image, HashSet<int> touched, IReadOnlyCollection<int>? newcomers)
    {
        var changes = new PartitionChanges(image, _epoch);
        foreach (TopicImage topic in image.Topics)
        {
            foreach (PartitionImage partition in topic.Partitions)
            {
                if (!Array.Exists(partition.Replicas, touched.Contains))
                {
                    continue;
                }

                (int leader, int[] isr) = PartitionElection.AfterBrokers(partition.Replicas, partition.Leader, partition.Isr, Usable(image, topic, partition.Index), _heldForDead.ContainsKey, AllowsUnclean(topic));
                changes.Add(topic, partition, leader, isr, Unserved(image, topic, partition));
            }
        }

        return await CommitAsync(changes, newcomers).ConfigureAwait(false);
    }

    /// <summary>Writes states on the versions the image knows, and tells them. States that somebody else wrote are read again, by loading everything.</summary>
    private async Task<IReadOnlyList<TopicChange>> CommitAsync(PartitionChanges changes, IReadOnlyCollection<int>? newcomers = null)
    {
        try
        {
            await CommitAsync(changes.Writes).ConfigureAwait(false);
        }
        catch (CoordinationException e) when (e.Error == CoordinationError.BadVersion && e.Path != ZnodePaths.ControllerEpoch)
        {
            await LoadAsync().ConfigureAwait(false);
            return [];
        }

        (MetadataImage next, IReadOnlyList<TopicChange> told) = changes.Result();
        await TellAsync(next, told, newcomers).ConfigureAwait(false);
        return told;
    }

    private bool AllowsUnclean(TopicImage topic) => _policy.AllowsUncleanElection?.Invoke(topic.Config) ?? false;

    /// <summary>Elects preferred or, with <paramref name="unclean"/>, any leaders; null for all partitions, of which only changed ones are told.</summary>
    public Task<IReadOnlyList<ElectLeaderResult>> ElectLeadersAsync(IReadOnlyList<TopicPartition>? partitions, bool unclean) => Enqueue(async () =>
    {
        IReadOnlyList<ElectLeaderResult> results = _isActive
            ? await ElectAsync(partitions ?? [.. Image.Topics.SelectMany(t => t.Partitions.Select(p => new TopicPartition(t.Name, p.Index)))], unclean).ConfigureAwait(false)
            : [.. (partitions ?? []).Select(p => new ElectLeaderResult(p, ErrorCode.NotController, NotTheController))];
        return partitions is null ? [.. results.Where(r => r.Error == ErrorCode.None)] : results;
    });

    private async Task<IReadOnlyList<ElectLeaderResult>> ElectAsync(IReadOnlyList<TopicPartition> partitions, bool unclean)
    {
        MetadataImage image = Image;
        var changes = new PartitionChanges(image, _epoch);
        var results = new List<ElectLeaderResult>();
        foreach (TopicPartition asked in partitions)
        {
            if (image.Topic(asked.Topic) is not { } topic || (uint)asked.Partition >= (uint)topic.Partitions.Count)
            {
                results.Add(new ElectLeaderResult(asked, ErrorCode.UnknownTopicOrPartition, "The partition does not exist."));
                continue;
            }

            PartitionImage partition = topic.Partitions[asked.Partition];
            if (partition.Leader >= 0 && (unclean || partition.Replicas.Length == 0 || partition.Leader == partition.Replicas[0]))
            {
                results.Add(new ElectLeaderResult(asked, ErrorCode.ElectionNotNeeded, "Leader election not needed for topic partition."));
                continue;
            }

            Predicate<int> isUsable = Usable(image, topic, partition.Index);
            (int leader, int[] isr) = unclean
                ? PartitionElection.AfterBrokers(partition.Replicas, partition.Leader, partition.Isr, isUsable, _ => false, allowsUnclean: true)
                : (PartitionElection.Preferred(partition.Replicas, partition.Leader, partition.Isr, isUsable) ?? PartitionElection.NoLeader, partition.Isr);
            if (leader < 0)
            {
                results.Add(new ElectLeaderResult(asked, unclean ? ErrorCode.EligibleLeadersNotAvailable : ErrorCode.PreferredLeaderNotAvailable, "No eligible replica is alive."));
                continue;
            }

            changes.Add(topic, partition, leader, isr, partition.OfflineReplicas);
            results.Add(new ElectLeaderResult(asked, ErrorCode.None, null));
        }

        await CommitAsync(changes).ConfigureAwait(false);
        return results;
    }

    /// <summary>
    /// A broker is about to stop: what it leads is led by others from now on, and nobody waits for it. Returns what has no other replica in sync, though it has others.
    /// </summary>
    /// <exception cref="NotControllerException">Only the controller can do that.</exception>
    public Task<IReadOnlyList<TopicPartition>> ControlledShutdownAsync(int broker, long brokerEpoch) => Enqueue(async () =>
    {
        if (!_isActive)
        {
            throw new NotControllerException();
        }

        MetadataImage image = Image;
        if (image.Broker(broker) is not { } leaving || (brokerEpoch >= 0 && brokerEpoch < leaving.Epoch))
        {
            throw new StaleBrokerEpochException(broker, brokerEpoch);
        }

        _leaving.Add(broker);
        var changes = new PartitionChanges(image, _epoch);
        foreach (TopicImage topic in image.Topics)
        {
            foreach (PartitionImage partition in topic.Partitions)
            {
                if (PartitionElection.WithoutBroker(partition.Replicas, partition.Leader, partition.Isr, broker, Usable(image, topic, partition.Index)) is { } next)
                {
                    changes.Add(topic, partition, next.Leader, next.Isr, partition.OfflineReplicas);
                }
            }
        }

        IReadOnlyList<TopicChange> told = await CommitAsync(changes).ConfigureAwait(false);
        TopicPartition[] remaining = [.. Image.Topics.SelectMany(t => t.Partitions.Where(p => p.Leader == broker && p.Replicas.Length > 1).Select(p => new TopicPartition(t.Name, p.Index)))];
        ControllerLog.ControlledShutdown(_logger, broker, told.Sum(c => c.Partitions.Count), remaining.Length);
        return (IReadOnlyList<TopicPartition>)remaining;
    });

    /// <summary>States that differ from the image's, with the writes that make them so. Lives for one decision.</summary>
    private sealed class PartitionChanges(MetadataImage image, int controllerEpoch)
    {
        private readonly Dictionary<string, List<PartitionImage>> _byTopic = new(StringComparer.Ordinal);

        public List<TreeOperation> Writes { get; } = [];

        /// <summary>Without effect when nothing differs; a change of leader or ISR begins a new leader epoch.</summary>
        public void Add(TopicImage topic, PartitionImage before, int leader, int[] isr, int[] offline)
        {
            bool isWritten = leader != before.Leader || !isr.AsSpan().SequenceEqual(before.Isr);
            if (!isWritten && offline.AsSpan().SequenceEqual(before.OfflineReplicas))
            {
                return;
            }

            PartitionImage next = before with { Leader = leader, Isr = isr, OfflineReplicas = offline };
            if (isWritten)
            {
                next = next with { LeaderEpoch = before.LeaderEpoch + 1, PartitionEpoch = before.PartitionEpoch + 1 };
                Write(topic, next, before.PartitionEpoch);
            }

            Put(topic, next);
        }

        /// <summary>A change that a leader asked for: its epoch goes on.</summary>
        public void AddIsr(TopicImage topic, PartitionImage before, int[] isr)
        {
            PartitionImage next = before with { Isr = isr, PartitionEpoch = before.PartitionEpoch + 1 };
            Write(topic, next, before.PartitionEpoch);
            Put(topic, next);
        }

        /// <summary>A step of a reassignment, see <see cref="PartitionMove"/>.</summary>
        public void AddMove(TopicImage topic, PartitionImage before, PartitionImage next)
        {
            Write(topic, next, before.PartitionEpoch);
            Put(topic, next);
        }

        public (MetadataImage Next, IReadOnlyList<TopicChange> Changes) Result()
        {
            MetadataImage next = image;
            var changes = new List<TopicChange>();
            foreach ((string name, List<PartitionImage> partitions) in _byTopic)
            {
                TopicImage topic = image.Topic(name)!;
                ImmutableArray<PartitionImage>.Builder all = topic.PartitionArray.ToBuilder();
                foreach (PartitionImage partition in partitions)
                {
                    all[partition.Index] = partition;
                }

                TopicImage changed = topic with { PartitionArray = all.ToImmutable() };
                next = next.With(changed);
                changes.Add(new TopicChange(changed, partitions));
            }

            return (next, changes);
        }

        private void Write(TopicImage topic, PartitionImage next, int version) => Writes.Add(
            TreeOperation.Set(ZnodePaths.State(topic.Name, next.Index), new PartitionStateZnode(controllerEpoch, next.Leader, next.LeaderEpoch, next.Isr).Encode(), version));

        private void Put(TopicImage topic, PartitionImage next)
        {
            if (!_byTopic.TryGetValue(topic.Name, out List<PartitionImage>? partitions))
            {
                _byTopic[topic.Name] = partitions = [];
            }

            partitions.Add(next);
        }
    }
}
