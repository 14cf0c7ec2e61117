using System.Collections.Immutable;
using System.Globalization;
using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>Start-up and the life of topics.</summary>
public sealed partial class ClusterController
{
    private async Task RegisterAsync(BrokerRegistration registration)
    {
        string path = ZnodePaths.Broker(registration.Id);
        await _tree.CreateAsync(path, BrokerZnode.Encode(registration.Endpoints, registration.Rack, NowMs()), CreateMode.Ephemeral).ConfigureAwait(false);
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
            await _tree.CreateAsync(ZnodePaths.Feature, FeatureZnode.Encode()).ConfigureAwait(false);
        }
    }

    private async Task LoadAsync(int brokerId)
    {
        var brokers = new List<BrokerImage>();
        foreach (string id in await _tree.ChildrenAsync(ZnodePaths.BrokerIds).ConfigureAwait(false))
        {
            int number = int.Parse(id, CultureInfo.InvariantCulture);
            brokers.Add(BrokerZnode.Decode(number, await _tree.GetAsync(ZnodePaths.Broker(number)).ConfigureAwait(false)));
        }

        MetadataImage image = MetadataImage.Empty with
        {
            ClusterId = ClusterIdZnode.Decode((await _tree.GetAsync(ZnodePaths.ClusterId).ConfigureAwait(false)).Data),
            ControllerId = brokerId,
            Brokers = [.. brokers.OrderBy(b => b.Id)],
            BrokerConfigs = await ReadBrokerConfigsAsync(_tree).ConfigureAwait(false),
        };

        await FinishDeletionsAsync().ConfigureAwait(false);
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

    /// <summary>Reads a topic and elects a live leader for every partition; what has to be written for it goes to <paramref name="changes"/>.</summary>
    private async Task<TopicImage> LoadTopicAsync(string name, MetadataImage image, List<TreeOperation> changes)
    {
        var assignment = TopicZnode.Decode(name, (await _tree.GetAsync(ZnodePaths.Topic(name)).ConfigureAwait(false)).Data);
        if (assignment.TopicId == Guid.Empty)
        {
            assignment = assignment with { TopicId = Guid.NewGuid() };
            changes.Add(TreeOperation.Set(ZnodePaths.Topic(name), assignment.Encode()));
        }

        bool hasPartitions = await _tree.ExistsAsync(ZnodePaths.Partitions(name)).ConfigureAwait(false) is not null;
        if (!hasPartitions)
        {
            changes.Add(TreeOperation.Create(ZnodePaths.Partitions(name), default));
        }

        var partitions = ImmutableArray.CreateBuilder<PartitionImage>(assignment.Replicas.Count);
        for (int p = 0; p < assignment.Replicas.Count; p++)
        {
            string path = ZnodePaths.State(name, p);
            int[] replicas = assignment.Replicas[p];
            if (hasPartitions && await _tree.ExistsAsync(path).ConfigureAwait(false) is not null)
            {
                TreeNode node = await _tree.GetAsync(path).ConfigureAwait(false);
                partitions.Add(Elect(path, p, replicas, PartitionStateZnode.Decode(path, node.Data), node.Stat.Version, image, changes));
            }
            else
            {
                partitions.Add(await FirstAsync(name, p, replicas, image, changes).ConfigureAwait(false));
            }
        }

        string configPath = ZnodePaths.TopicConfig(name);
        IReadOnlyDictionary<string, string> config = await _tree.ExistsAsync(configPath).ConfigureAwait(false) is null
            ? new Dictionary<string, string>()
            : ConfigZnode.Decode(configPath, (await _tree.GetAsync(configPath).ConfigureAwait(false)).Data);
        return new TopicImage(name, assignment.TopicId, partitions.MoveToImmutable(), config);
    }

    /// <summary>A broker that came back leads again with the next epoch, if it was in sync.</summary>
    private PartitionImage Elect(string path, int index, int[] replicas, PartitionStateZnode state, int version, MetadataImage image, List<TreeOperation> changes)
    {
        int[] live = [.. replicas.Where(r => image.Broker(r) is not null)];
        int leader = live.FirstOrDefault(r => state.Isr.Contains(r), -1);
        int[] isr = leader < 0 ? state.Isr : [.. state.Isr.Where(live.Contains)];
        var next = new PartitionStateZnode(_epoch, leader, state.LeaderEpoch + 1, isr);
        changes.Add(TreeOperation.Set(path, next.Encode(), version));
        return new PartitionImage(index, leader, next.LeaderEpoch, version + 1, replicas, isr, [.. replicas.Except(live)]);
    }

    /// <summary>
    /// The first election of a partition: all live replicas are in sync, since none has anything. A crash between two chunks may have left a node without
    /// the rest; it is taken over.
    /// </summary>
    private async Task<PartitionImage> FirstAsync(string topic, int index, int[] replicas, MetadataImage image, List<TreeOperation> changes)
    {
        int[] live = [.. replicas.Where(r => image.Broker(r) is not null)];
        int leader = live.Length == 0 ? -1 : live[0];
        byte[] state = new PartitionStateZnode(_epoch, leader, 0, live).Encode();
        string path = ZnodePaths.State(topic, index);
        if (await _tree.ExistsAsync(ZnodePaths.Partition(topic, index)).ConfigureAwait(false) is null)
        {
            changes.Add(TreeOperation.Create(ZnodePaths.Partition(topic, index), default));
            changes.Add(TreeOperation.Create(path, state));
        }
        else
        {
            bool leftover = await _tree.ExistsAsync(path).ConfigureAwait(false) is not null;
            changes.Add(leftover ? TreeOperation.Set(path, state) : TreeOperation.Create(path, state));
        }

        return new PartitionImage(index, leader, 0, 0, replicas, live, [.. replicas.Except(live)]);
    }

    private async Task<CreateTopicResult> CreateTopicAsync(NewTopic topic, bool validateOnly)
    {
        (IReadOnlyList<int[]>? replicas, ErrorCode error, string? message) = _planner.Plan(Image, topic);
        if (error != ErrorCode.None)
        {
            return CreateTopicResult.Failed(topic.Name, error, message!);
        }

        Guid id = Guid.NewGuid();
        var result = new CreateTopicResult(topic.Name, ErrorCode.None, null, validateOnly ? Guid.Empty : id, replicas!.Count, replicas[0].Length, topic.Configs);
        if (validateOnly)
        {
            return result;
        }

        var changes = new List<TreeOperation>();
        // A configuration without its topic is left by a crash between chunks, or by hand.
        bool hasConfig = await _tree.ExistsAsync(ZnodePaths.TopicConfig(topic.Name)).ConfigureAwait(false) is not null;
        byte[] config = ConfigZnode.Encode(topic.Configs);
        changes.Add(hasConfig ? TreeOperation.Set(ZnodePaths.TopicConfig(topic.Name), config) : TreeOperation.Create(ZnodePaths.TopicConfig(topic.Name), config));
        changes.Add(TreeOperation.Create(ZnodePaths.Topic(topic.Name), new TopicZnode(id, replicas).Encode()));
        changes.Add(TreeOperation.Create(ZnodePaths.Partitions(topic.Name), default));
        var partitions = ImmutableArray.CreateBuilder<PartitionImage>(replicas.Count);
        for (int p = 0; p < replicas.Count; p++)
        {
            partitions.Add(await FirstAsync(topic.Name, p, replicas[p], Image, changes).ConfigureAwait(false));
        }

        await CommitAsync(changes).ConfigureAwait(false);
        var image = new TopicImage(topic.Name, id, partitions.MoveToImmutable(), topic.Configs);
        await _host.ApplyLeaderAndIsrAsync(image, image.Partitions).ConfigureAwait(false);
        Swap(Image.With(image));
        ControllerLog.Created(_logger, topic.Name, Uuids.ToText(id), replicas.Count, replicas[0].Length);
        return result;
    }

    /// <summary>
    /// The mark under /admin/delete_topics makes the deletion certain: a crash after it is finished at the next start. Clients stop seeing the topic first.
    /// </summary>
    private async Task DeleteTopicAsync(TopicImage topic)
    {
        await CommitAsync([TreeOperation.Create(ZnodePaths.DeleteTopic(topic.Name), default)]).ConfigureAwait(false);
        Swap(Image.Without(topic));
        await _host.StopReplicasAsync([.. topic.Partitions.Select(p => new TopicPartition(topic.Name, p.Index))], delete: true).ConfigureAwait(false);
        await RemoveTopicNodesAsync(topic.Name).ConfigureAwait(false);
        ControllerLog.Deleted(_logger, topic.Name, Uuids.ToText(topic.Id));
    }

    private async Task FinishDeletionsAsync()
    {
        foreach (string name in await _tree.ChildrenAsync(ZnodePaths.DeleteTopics).ConfigureAwait(false))
        {
            if (await _tree.ExistsAsync(ZnodePaths.Topic(name)).ConfigureAwait(false) is not null)
            {
                var assignment = TopicZnode.Decode(name, (await _tree.GetAsync(ZnodePaths.Topic(name)).ConfigureAwait(false)).Data);
                await _host.StopReplicasAsync([.. Enumerable.Range(0, assignment.Replicas.Count).Select(p => new TopicPartition(name, p))], delete: true).ConfigureAwait(false);
            }

            await RemoveTopicNodesAsync(name).ConfigureAwait(false);
        }
    }

    private async Task RemoveTopicNodesAsync(string name)
    {
        var changes = new List<TreeOperation>();
        await AddDeletesAsync(ZnodePaths.Topic(name), changes).ConfigureAwait(false);
        await AddDeletesAsync(ZnodePaths.TopicConfig(name), changes).ConfigureAwait(false);
        changes.Add(TreeOperation.Delete(ZnodePaths.DeleteTopic(name)));
        await CommitAsync(changes).ConfigureAwait(false);
    }

    private async Task AddDeletesAsync(string path, List<TreeOperation> changes)
    {
        if (await _tree.ExistsAsync(path).ConfigureAwait(false) is null)
        {
            return;
        }

        foreach (string child in await _tree.ChildrenAsync(path).ConfigureAwait(false))
        {
            await AddDeletesAsync($"{path}/{child}", changes).ConfigureAwait(false);
        }

        changes.Add(TreeOperation.Delete(path));
    }

    private async Task<CreatePartitionsResult> CreatePartitionsAsync(NewPartitions request, bool validateOnly)
    {
        if (Image.Topic(request.Topic) is not { } topic)
        {
            return new CreatePartitionsResult(request.Topic, ErrorCode.UnknownTopicOrPartition, $"The topic '{request.Topic}' does not exist.");
        }

        (IReadOnlyList<int[]>? added, ErrorCode error, string? message) = TopicPlanner.Plan(Image, topic, request);
        if (error != ErrorCode.None || validateOnly)
        {
            return new CreatePartitionsResult(request.Topic, error, message);
        }

        int first = topic.Partitions.Count;
        var changes = new List<TreeOperation>();
        var partitions = topic.PartitionArray.ToBuilder();
        for (int i = 0; i < added!.Count; i++)
        {
            partitions.Add(await FirstAsync(topic.Name, first + i, added[i], Image, changes).ConfigureAwait(false));
        }

        // The assignment comes last: until it is there the new states mean nothing.
        changes.Add(TreeOperation.Set(ZnodePaths.Topic(topic.Name), new TopicZnode(topic.Id, [.. partitions.Select(p => p.Replicas)]).Encode()));
        await CommitAsync(changes).ConfigureAwait(false);
        TopicImage grown = topic with { PartitionArray = partitions.ToImmutable() };
        await _host.ApplyLeaderAndIsrAsync(grown, [.. grown.Partitions.Skip(first)]).ConfigureAwait(false);
        Swap(Image.With(grown));
        ControllerLog.Grown(_logger, topic.Name, first, grown.Partitions.Count);
        return new CreatePartitionsResult(topic.Name, ErrorCode.None, null);
    }

    private async Task WriteConfigAsync(string path, string entityPath, IReadOnlyDictionary<string, string> config)
    {
        byte[] bytes = ConfigZnode.Encode(config);
        bool exists = await _tree.ExistsAsync(path).ConfigureAwait(false) is not null;
        await _tree.MultiAsync(
        [
            exists ? TreeOperation.Set(path, bytes) : TreeOperation.Create(path, bytes),
            TreeOperation.Create(ZnodePaths.ConfigChangePrefix, ConfigChangeZnode.Encode(entityPath), CreateMode.PersistentSequential),
        ]).ConfigureAwait(false);
        await ExpireConfigChangesAsync().ConfigureAwait(false);
    }

    /// <summary>Change notifications are kept for fifteen minutes, as Kafka does, and then removed by whoever writes the next one.</summary>
    private async Task ExpireConfigChangesAsync()
    {
        long oldest = NowMs() - (long)TimeSpan.FromMinutes(15).TotalMilliseconds;
        foreach (string name in await _tree.ChildrenAsync(ZnodePaths.ConfigChanges).ConfigureAwait(false))
        {
            string path = $"{ZnodePaths.ConfigChanges}/{name}";
            if (await _tree.ExistsAsync(path).ConfigureAwait(false) is { } stat && stat.CtimeMs < oldest)
            {
                await _tree.DeleteAsync(path).ConfigureAwait(false);
            }
        }
    }

    private long NowMs() => _time.GetUtcNow().ToUnixTimeMilliseconds();
}
