using System.Collections.Immutable;
using System.Globalization;

namespace Broker.Cluster;

/// <summary>Start-up: registration, election, and reading what the tree has.</summary>
public sealed partial class ClusterController
{
    private async Task RegisterAsync(BrokerRegistration registration)
    {
        try
        {
            byte[] data = BrokerZnode.Encode(registration.Endpoints, registration.Rack, NowMs());
            await _tree.CreateAsync(ZnodePaths.Broker(registration.Id), data, CreateMode.Ephemeral).ConfigureAwait(false);
        }
        catch (CoordinationException e) when (e.Error == CoordinationError.NodeExists)
        {
            throw new InvalidOperationException(
                $"Broker id {registration.Id} is registered already: another broker runs with this id, or the session of this one's last run has not expired yet. "
                + "Give every broker its own broker.id, or start again when the session has expired",
                e);
        }
    }

    private async Task ElectAsync(int brokerId)
    {
        if (await _tree.ExistsAsync(ZnodePaths.ControllerEpoch).ConfigureAwait(false) is null)
        {
            await _tree.CreateAsync(ZnodePaths.ControllerEpoch, ControllerEpochZnode.Encode(0)).ConfigureAwait(false);
        }

        TreeNode epoch = await _tree.GetAsync(ZnodePaths.ControllerEpoch).ConfigureAwait(false);
        _epoch = ControllerEpochZnode.Decode(epoch.Data) + 1;
        IReadOnlyList<OperationResult> won = await _tree.MultiAsync(
        [
            TreeOperation.Create(ZnodePaths.Controller, ControllerZnode.Encode(brokerId, NowMs()), CreateMode.Ephemeral),
            TreeOperation.Set(ZnodePaths.ControllerEpoch, ControllerEpochZnode.Encode(_epoch), epoch.Stat.Version),
        ]).ConfigureAwait(false);
        _epochVersion = won[1].Stat!.Version;
        if (await _tree.ExistsAsync(ZnodePaths.Feature).ConfigureAwait(false) is null)
        {
            await CommitAsync([TreeOperation.Create(ZnodePaths.Feature, FeatureZnode.Encode())]).ConfigureAwait(false);
        }
    }

    private async Task LoadAsync(int brokerId)
    {
        MetadataImage image = MetadataImage.Empty with
        {
            ClusterId = ClusterIdZnode.Decode((await _tree.GetAsync(ZnodePaths.ClusterId).ConfigureAwait(false)).Data),
            ControllerId = brokerId,
            Brokers = await LoadBrokersAsync().ConfigureAwait(false),
            BrokerConfigs = await ReadBrokerConfigsAsync(_tree).ConfigureAwait(false),
        };

        foreach (string name in await _tree.ChildrenAsync(ZnodePaths.DeleteTopics).ConfigureAwait(false))
        {
            await FinishDeletionAsync(name).ConfigureAwait(false);
        }

        var changes = new List<TreeOperation>();
        var topics = ImmutableDictionary.CreateBuilder<string, TopicImage>(StringComparer.Ordinal);
        var names = ImmutableDictionary.CreateBuilder<Guid, string>();
        int partitions = 0;
        foreach (string name in await _tree.ChildrenAsync(ZnodePaths.BrokerTopics).ConfigureAwait(false))
        {
            TopicImage topic = await LoadTopicAsync(name, image, changes).ConfigureAwait(false);
            topics[name] = topic;
            names[topic.Id] = name;
            partitions += topic.Partitions.Count;
        }

        await CommitAsync(changes).ConfigureAwait(false);
        image = image with { TopicsByName = topics.ToImmutable(), NamesById = names.ToImmutable() };
        foreach (TopicImage topic in image.Topics)
        {
            await _host.ApplyLeaderAndIsrAsync(topic, topic.Partitions).ConfigureAwait(false);
        }

        Swap(image);
        ControllerLog.Started(_logger, brokerId, _epoch, topics.Count, partitions);
    }

    private async Task<IReadOnlyList<BrokerImage>> LoadBrokersAsync()
    {
        var brokers = new List<BrokerImage>();
        foreach (string id in await _tree.ChildrenAsync(ZnodePaths.BrokerIds).ConfigureAwait(false))
        {
            int number = int.Parse(id, CultureInfo.InvariantCulture);
            brokers.Add(BrokerZnode.Decode(number, await _tree.GetAsync(ZnodePaths.Broker(number)).ConfigureAwait(false)));
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
        TreeNode node = await _tree.GetAsync(ZnodePaths.Topic(name)).ConfigureAwait(false);
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

        var partitions = ImmutableArray.CreateBuilder<PartitionImage>(assignment.Replicas.Count);
        for (int p = 0; p < assignment.Replicas.Count; p++)
        {
            string path = ZnodePaths.State(name, p);
            int[] replicas = assignment.Replicas[p];
            partitions.Add(await TryGetAsync(_tree, path).ConfigureAwait(false) is { } state
                ? Elect(path, p, replicas, PartitionStateZnode.Decode(path, state.Data), state.Stat.Version, image, changes)
                : await FirstAsync(name, p, replicas, image, changes).ConfigureAwait(false));
        }

        string configPath = ZnodePaths.TopicConfig(name);
        byte[] config = await TryGetAsync(_tree, configPath).ConfigureAwait(false) is { } overrides ? overrides.Data : [];
        return new TopicImage(name, assignment.TopicId, partitions.MoveToImmutable(), ConfigZnode.Decode(configPath, config));
    }

    /// <summary>
    /// A broker that came back leads again with the next epoch, if it was in sync. When nobody in sync is alive there is no leader, and those in sync stay
    /// on record: only they have everything that was acknowledged.
    /// </summary>
    private PartitionImage Elect(string path, int index, int[] replicas, PartitionStateZnode state, int version, MetadataImage image, List<TreeOperation> changes)
    {
        int[] live = Live(image, replicas);
        int leader = live.FirstOrDefault(r => state.Isr.Contains(r), -1);
        int[] isr = leader < 0 ? state.Isr : [.. state.Isr.Where(live.Contains)];
        PartitionStateZnode next = state with { ControllerEpoch = _epoch, Leader = leader, LeaderEpoch = state.LeaderEpoch + 1, Isr = isr };
        changes.Add(TreeOperation.Set(path, next.Encode(), version));
        return new PartitionImage(index, leader, next.LeaderEpoch, version + 1, replicas, isr, Offline(replicas, live));
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
    private static async ValueTask<TreeNode?> TryGetAsync(ICoordinationTree tree, string path)
    {
        try
        {
            return await tree.GetAsync(path).ConfigureAwait(false);
        }
        catch (CoordinationException e) when (e.Error == CoordinationError.NoNode)
        {
            return null;
        }
    }

    private static int[] Live(MetadataImage image, int[] replicas) => Array.FindAll(replicas, r => image.Broker(r) is not null);

    private static int[] Offline(int[] replicas, int[] live) => live.Length == replicas.Length ? [] : Array.FindAll(replicas, r => !live.Contains(r));
}
