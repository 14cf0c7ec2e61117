using System.Collections.Immutable;
using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>The life of topics.</summary>
public sealed partial class ClusterController
{
    /// <summary>
    /// The order of the writes makes a crash harmless: configuration, assignment, states. Without the assignment the topic does not exist; with it the
    /// next start completes the rest.
    /// </summary>
    private async Task<CreateTopicResult> CreateTopicAsync(NewTopic topic, bool validateOnly)
    {
        (IReadOnlyList<int[]>? replicas, ErrorCode error, string? message) = _planner.Plan(Image, topic);
        if (error == ErrorCode.None)
        {
            (error, message) = await FindLeftoverAsync(topic.Name).ConfigureAwait(false);
        }

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

        // A configuration without its topic is left by a crash between chunks, or by hand.
        string configPath = ZnodePaths.TopicConfig(topic.Name);
        byte[] config = ConfigZnode.Encode(topic.Configs);
        bool hasConfig = await _tree.ExistsAsync(configPath).ConfigureAwait(false) is not null;
        var changes = new List<TreeOperation>
        {
            hasConfig ? TreeOperation.Set(configPath, config) : TreeOperation.Create(configPath, config),
            TreeOperation.Create(ZnodePaths.Topic(topic.Name), new TopicZnode(id, replicas).Encode()),
            TreeOperation.Create(ZnodePaths.Partitions(topic.Name), default),
        };
        var partitions = ImmutableArray.CreateBuilder<PartitionImage>(replicas.Count);
        for (int p = 0; p < replicas.Count; p++)
        {
            partitions.Add(await FirstAsync(topic.Name, p, replicas[p], Image, changes).ConfigureAwait(false));
        }

        await CommitAsync(changes).ConfigureAwait(false);
        await ShowAsync(new TopicImage(topic.Name, id, partitions.MoveToImmutable(), topic.Configs), 0).ConfigureAwait(false);
        ControllerLog.Created(_logger, topic.Name, Uuids.ToText(id), replicas.Count, replicas[0].Length);
        return result;
    }

    /// <summary>
    /// What the tree has of a topic that the image does not show: one whose deletion is not complete, or one whose creation failed halfway or was begun by
    /// an old tool. The latter is completed now.
    /// </summary>
    private async Task<(ErrorCode Error, string? Message)> FindLeftoverAsync(string topic)
    {
        if (await _tree.ExistsAsync(ZnodePaths.DeleteTopic(topic)).ConfigureAwait(false) is not null)
        {
            return (ErrorCode.TopicAlreadyExists, $"Topic '{topic}' is marked for deletion.");
        }

        if (await _tree.ExistsAsync(ZnodePaths.Topic(topic)).ConfigureAwait(false) is null)
        {
            return (ErrorCode.None, null);
        }

        var changes = new List<TreeOperation>();
        TopicImage image = await LoadTopicAsync(topic, Image, changes).ConfigureAwait(false);
        await CommitAsync(changes).ConfigureAwait(false);
        await ShowAsync(image, 0).ConfigureAwait(false);
        return (ErrorCode.TopicAlreadyExists, $"Topic '{topic}' already exists.");
    }

    /// <summary>Partitions are ready to serve before anybody can see them.</summary>
    private async Task ShowAsync(TopicImage topic, int firstNewPartition)
    {
        IReadOnlyList<PartitionImage> partitions = firstNewPartition == 0 ? topic.Partitions : [.. topic.Partitions.Skip(firstNewPartition)];
        await TellAsync(Image.With(topic), [new TopicChange(topic, partitions) { IsNew = true }]).ConfigureAwait(false);
    }

    private async Task<CreatePartitionsResult> CreatePartitionsAsync(NewPartitions request, bool validateOnly)
    {
        if (Image.Topic(request.Topic) is not { } topic)
        {
            return new CreatePartitionsResult(request.Topic, ErrorCode.UnknownTopicOrPartition, $"The topic '{request.Topic}' does not exist.");
        }

        if (topic.Partitions.Any(p => p.IsReassigning))
        {
            return new CreatePartitionsResult(topic.Name, ErrorCode.ReassignmentInProgress, $"A partition reassignment is in progress for the topic '{topic.Name}'.");
        }

        (IReadOnlyList<int[]>? added, ErrorCode error, string? message) = TopicPlanner.Plan(Image, topic, request);
        if (error != ErrorCode.None || validateOnly)
        {
            return new CreatePartitionsResult(request.Topic, error, message);
        }

        int first = topic.Partitions.Count;
        var changes = new List<TreeOperation>();
        ImmutableArray<PartitionImage>.Builder partitions = topic.PartitionArray.ToBuilder();
        for (int i = 0; i < added!.Count; i++)
        {
            partitions.Add(await FirstAsync(topic.Name, first + i, added[i], Image, changes).ConfigureAwait(false));
        }

        // The assignment comes last: until it is there the new states mean nothing.
        TreeNode node = await _tree.GetAsync(ZnodePaths.Topic(topic.Name)).ConfigureAwait(false);
        TopicZnode assignment = TopicZnode.Decode(topic.Name, node.Data) with { Replicas = [.. partitions.Select(p => p.Replicas)] };
        changes.Add(TreeOperation.Set(ZnodePaths.Topic(topic.Name), assignment.Encode(), node.Stat.Version));
        await CommitAsync(changes).ConfigureAwait(false);
        await ShowAsync(topic with { PartitionArray = partitions.ToImmutable() }, first).ConfigureAwait(false);
        ControllerLog.Grown(_logger, topic.Name, first, first + added.Count);
        return new CreatePartitionsResult(topic.Name, ErrorCode.None, null);
    }
}
