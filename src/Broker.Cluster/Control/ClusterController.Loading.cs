using System.Collections.Immutable;
using System.Globalization;
using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>What a controller does first: it reads what the tree has and elects where that is needed.</summary>
public sealed partial class ClusterController
{
    private async Task LoadAsync()
    {
        _deletions.Clear();
        _offline.Clear();
        ForgetReassignments();
        (IReadOnlyList<BrokerImage> live, _) = await LoadLiveAsync(Shared(_brokersChanged)).ConfigureAwait(false);
        MetadataImage image = MetadataImage.Empty with
        {
            ClusterId = ClusterIdZnode.Decode((await _tree.GetAsync(ZnodePaths.ClusterId).ConfigureAwait(false)).Data),
            ControllerId = Self,
            Brokers = live,
            BrokerConfigs = await ReadBrokerConfigsAsync(_tree).ConfigureAwait(false),
        };
        image = await WithFeaturesAsync(image).ConfigureAwait(false);

        // First who is alive: brokers refuse leaders they do not know.
        MetadataImage before = Image;
        _links?.Remote.SetLive([.. image.Brokers.Where(b => b.Id != Self)]);
        foreach (BrokerImage broker in _links is null ? [] : image.Brokers.Where(b => b.Id != Self))
        {
            _links!.Remote.Send(broker.Id, ApiKey.UpdateMetadata, Requests.UpdateMetadata(image, broker, []));
        }

        IReadOnlyList<string> marked = await _tree.ChildrenAsync(ZnodePaths.DeleteTopics).ConfigureAwait(false);
        if (_links is null)
        {
            foreach (string name in marked)
            {
                await FinishDeletionAsync(name).ConfigureAwait(false);
            }

            marked = [];
        }

        var changes = new List<TreeOperation>();
        var topics = ImmutableDictionary.CreateBuilder<string, TopicImage>(StringComparer.Ordinal);
        var names = ImmutableDictionary.CreateBuilder<Guid, string>();
        int partitions = 0;
        foreach (string name in await _tree.ChildrenAsync(ZnodePaths.BrokerTopics, Shared(_topicsChanged)).ConfigureAwait(false))
        {
            if (marked.Contains(name))
            {
                continue;
            }

            // A single broker stops where it cannot read its own files; in a cluster one bad node must not keep all others from working.
            TopicImage? topic = _links is null ? await LoadTopicAsync(name, image, changes).ConfigureAwait(false) : await TryLoadTopicAsync(name, image, changes).ConfigureAwait(false);
            if (topic is null)
            {
                continue;
            }

            topics[name] = topic;
            names[topic.Id] = name;
            partitions += topic.Partitions.Count;
        }

        await CommitAsync(changes).ConfigureAwait(false);
        image = image with { TopicsByName = topics.ToImmutable(), NamesById = names.ToImmutable() };
        TopicChange[] all = [.. image.Topics.Select(t => new TopicChange(t, t.Partitions))];
        await TellAsync(image, all).ConfigureAwait(false);
        foreach (TopicImage vanished in before.Topics.Where(t => image.Topic(t.Id) is null && _links is not null))
        {
            // Deleted while there was no controller, or about to be: it must not be shown any more.
            Forget(vanished);
        }

        ControllerLog.Started(_logger, Self, _epoch, topics.Count, partitions);
        await ResumeReassignmentsAsync().ConfigureAwait(false);
        await WatchForOthersAsync().ConfigureAwait(false);
    }

    /// <summary>Those that are registered now; the watch tells of any change.</summary>
    private async Task<IReadOnlyList<BrokerImage>> LoadBrokersAsync(Action<WatchedEvent>? watch)
    {
        var brokers = new List<BrokerImage>();
        foreach (string id in await _tree.ChildrenAsync(ZnodePaths.BrokerIds, watch).ConfigureAwait(false))
        {
            // A node without bytes is a registration in the middle of being made, or made by hand; its data watch tells more.
            if (int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
                && await TryGetAsync(_tree, ZnodePaths.Broker(number), watch).ConfigureAwait(false) is { Data.Length: > 0 } node)
            {
                brokers.Add(BrokerZnode.Decode(number, node));
            }
        }

        brokers.Sort((a, b) => a.Id.CompareTo(b.Id));
        return brokers;
    }

    /// <summary>
    /// Reads a topic and elects a live leader for every partition; what has to be written for it goes to <paramref name="changes"/>. Completes what a
    /// crash in the middle of a creation, or an old tool that writes only the assignment, left undone.
    /// </summary>
    private async Task<TopicImage> LoadTopicAsync(string name, MetadataImage image, List<TreeOperation> changes)
    {
        Action<WatchedEvent>? watch = _links is null ? null : Trigger(again => OnTopicDataChangedAsync(name, again)).OnEvent;
        TreeNode node = await _tree.GetAsync(ZnodePaths.Topic(name), watch).ConfigureAwait(false);
        TopicZnode assignment = TopicZnode.Decode(name, node.Data);
        if (assignment.TopicId == Guid.Empty)
        {
            assignment = assignment with { TopicId = Guid.NewGuid() };
            changes.Add(TreeOperation.Set(ZnodePaths.Topic(name), assignment.Encode(), node.Stat.Version));
        }

        if (await _tree.ExistsAsync(ZnodePaths.Partitions(name)).ConfigureAwait(false) is null)
        {
            changes.Add(TreeOperation.Create(ZnodePaths.Partitions(name), default));
        }

        IReadOnlyDictionary<string, string> config = await ReadTopicConfigAsync(_tree, name).ConfigureAwait(false);
        bool allowsUnclean = _policy.AllowsUncleanElection?.Invoke(config) ?? false;
        TreeNode?[] states = await Task.WhenAll(assignment.Replicas.Select((_, p) => TryGetAsync(_tree, ZnodePaths.State(name, p)).AsTask())).ConfigureAwait(false);
        var partitions = ImmutableArray.CreateBuilder<PartitionImage>(assignment.Replicas.Count);
        for (int p = 0; p < states.Length; p++)
        {
            int[] replicas = assignment.Replicas[p];
            PartitionImage partition = states[p] is { } state
                ? Elect(ZnodePaths.State(name, p), p, replicas, state, image, allowsUnclean, changes)
                : await FirstAsync(name, p, replicas, image, changes).ConfigureAwait(false);
            partitions.Add(partition with { Adding = Array.FindAll(assignment.Adding.GetValueOrDefault(p) ?? [], replicas.Contains), Removing = assignment.Removing.GetValueOrDefault(p) ?? [] });
        }

        return new TopicImage(name, assignment.TopicId, partitions.MoveToImmutable(), config);
    }

    /// <summary>See <see cref="PartitionElection.AtStart"/>: what need not change is not written.</summary>
    private PartitionImage Elect(string path, int index, int[] replicas, TreeNode node, MetadataImage image, bool allowsUnclean, List<TreeOperation> changes)
    {
        PartitionStateZnode state = PartitionStateZnode.Decode(path, node.Data);
        bool Stayed(int broker) => (image.Broker(broker)?.Epoch ?? _heldForDead[broker]) <= node.Stat.Mzxid;

        // An assignment may have been written without the state that goes with it.
        int[] assigned = Array.FindAll(state.Isr, replicas.Contains);
        int[] inSync = assigned.Length > 0 ? assigned : state.Isr;
        (int leader, int[] isr, bool isNewEpoch) = PartitionElection.AtStart(
            replicas, state.Leader, inSync, b => image.Broker(b) is not null, _heldForDead.ContainsKey, Stayed, allowsUnclean);
        int[] offline = Offline(replicas, Live(image, replicas));
        if (!isNewEpoch)
        {
            return new PartitionImage(index, leader, state.LeaderEpoch, node.Stat.Version, replicas, isr, offline);
        }

        PartitionStateZnode next = state with { ControllerEpoch = _epoch, Leader = leader, LeaderEpoch = state.LeaderEpoch + 1, Isr = isr };
        changes.Add(TreeOperation.Set(path, next.Encode(), node.Stat.Version));
        return new PartitionImage(index, leader, next.LeaderEpoch, node.Stat.Version + 1, replicas, isr, offline);
    }

    /// <summary>
    /// The first election of a partition: all live replicas are in sync, since none has anything. A crash between two chunks may have left a node without
    /// the rest; it is taken over.
    /// </summary>
    private async Task<PartitionImage> FirstAsync(string topic, int index, int[] replicas, MetadataImage image, List<TreeOperation> changes)
    {
        int[] live = Live(image, replicas);
        int leader = live.Length == 0 ? -1 : live[0];
        byte[] state = new PartitionStateZnode(_epoch, leader, 0, live).Encode();
        string path = ZnodePaths.State(topic, index);
        int version = 0;
        if (await _tree.ExistsAsync(path).ConfigureAwait(false) is { } leftover)
        {
            changes.Add(TreeOperation.Set(path, state, leftover.Version));
            version = leftover.Version + 1;
        }
        else
        {
            if (await _tree.ExistsAsync(ZnodePaths.Partition(topic, index)).ConfigureAwait(false) is null)
            {
                changes.Add(TreeOperation.Create(ZnodePaths.Partition(topic, index), default));
            }

            changes.Add(TreeOperation.Create(path, state));
        }

        return new PartitionImage(index, leader, 0, version, replicas, live, Offline(replicas, live));
    }

    /// <summary>For nodes that are nearly always there: one question instead of two.</summary>
    private static async ValueTask<TreeNode?> TryGetAsync(ICoordinationTree tree, string path, Action<WatchedEvent>? watch = null)
    {
        try
        {
            return await tree.GetAsync(path, watch).ConfigureAwait(false);
        }
        catch (CoordinationException e) when (e.Error == CoordinationError.NoNode)
        {
            return null;
        }
    }

    private static int[] Live(MetadataImage image, int[] replicas) => Array.FindAll(replicas, r => image.Broker(r) is not null);

    private static int[] Offline(int[] replicas, int[] live) => live.Length == replicas.Length ? [] : Array.FindAll(replicas, r => !live.Contains(r));
}
