namespace Broker.Cluster;

/// <summary>What others write into the tree: topics, marks of deletion and elections of tools that know ZooKeeper only.</summary>
public sealed partial class ClusterController
{
    private async Task OnTopicsChangedAsync(Action<WatchedEvent> watch)
    {
        if (!_isActive)
        {
            return;
        }

        IReadOnlyList<string> names = await _tree.ChildrenAsync(ZnodePaths.BrokerTopics, watch).ConfigureAwait(false);
        var writes = new List<TreeOperation>();
        var found = new List<TopicImage>();
        foreach (string name in names)
        {
            // One whose deletion is under way is still there.
            if (Image.Topic(name) is null && await _tree.ExistsAsync(ZnodePaths.DeleteTopic(name)).ConfigureAwait(false) is null
                && await TryLoadTopicAsync(name, Image, writes).ConfigureAwait(false) is { } topic)
            {
                found.Add(topic);
            }
        }

        await CommitAsync(writes).ConfigureAwait(false);
        MetadataImage next = found.Aggregate(Image, (image, topic) => image.With(topic));
        HashSet<string> present = [.. names];
        foreach (TopicImage topic in Image.Topics.Where(t => !present.Contains(t.Name)))
        {
            ControllerLog.Vanished(_logger, topic.Name);
            await _host.StopReplicasAsync(PartitionsOf(topic), delete: false).ConfigureAwait(false);
            next = next.Without(topic);
            Forget(topic);
        }

        if (!ReferenceEquals(next, Image))
        {
            await TellAsync(next, [.. found.Select(t => new TopicChange(t, t.Partitions) { IsNew = true })]).ConfigureAwait(false);
        }
    }

    /// <summary>The assignment changed: partitions were added, or a tool that does not know topic ids wrote it anew without one.</summary>
    private async Task OnTopicDataChangedAsync(string name, Action<WatchedEvent> watch)
    {
        if (!_isActive || Image.Topic(name) is not { } topic)
        {
            return;
        }

        TreeNode node;
        try
        {
            node = await _tree.GetAsync(ZnodePaths.Topic(name), watch).ConfigureAwait(false);
        }
        catch (CoordinationException e) when (e.Error == CoordinationError.NoNode)
        {
            return;
        }

        TopicZnode assignment = TopicZnode.Decode(name, node.Data);
        var writes = new List<TreeOperation>();
        if (assignment.TopicId == Guid.Empty)
        {
            writes.Add(TreeOperation.Set(ZnodePaths.Topic(name), (assignment with { TopicId = topic.Id }).Encode(), node.Stat.Version));
        }

        int first = topic.Partitions.Count;
        var partitions = topic.PartitionArray.ToBuilder();
        for (int p = first; p < assignment.Replicas.Count; p++)
        {
            partitions.Add(await FirstAsync(name, p, assignment.Replicas[p], Image, writes).ConfigureAwait(false));
        }

        await CommitAsync(writes).ConfigureAwait(false);
        if (partitions.Count > first)
        {
            await ShowAsync(topic with { PartitionArray = partitions.ToImmutable() }, first).ConfigureAwait(false);
            ControllerLog.Grown(_logger, name, first, partitions.Count);
        }
    }

    private async Task OnDeletionsAskedAsync(Action<WatchedEvent> watch)
    {
        if (!_isActive)
        {
            return;
        }

        foreach (string name in await _tree.ChildrenAsync(ZnodePaths.DeleteTopics, watch).ConfigureAwait(false))
        {
            if (_deletions.ContainsKey(name))
            {
                continue;
            }

            if (_policy.AllowsDeletion?.Invoke() == false)
            {
                await CommitAsync([TreeOperation.Delete(ZnodePaths.DeleteTopic(name))]).ConfigureAwait(false);
                continue;
            }

            if (Image.Topic(name) is { } topic)
            {
                await HideAndDeleteAsync(topic).ConfigureAwait(false);
            }
            else
            {
                await FinishDeletionAsync(name).ConfigureAwait(false);
            }
        }
    }

    private async Task OnElectionsAskedAsync(Action<WatchedEvent> watch)
    {
        if (!_isActive || await _tree.ExistsAsync(ZnodePaths.PreferredElection, watch).ConfigureAwait(false) is null)
        {
            return;
        }

        TreeNode asked = await _tree.GetAsync(ZnodePaths.PreferredElection).ConfigureAwait(false);
        try
        {
            await ElectAsync(PreferredElectionZnode.Decode(asked.Data), unclean: false).ConfigureAwait(false);
        }
        catch (InvalidDataException e)
        {
            ControllerLog.Ignored(_logger, ZnodePaths.PreferredElection, e.Message);
        }

        await CommitAsync([TreeOperation.Delete(ZnodePaths.PreferredElection)]).ConfigureAwait(false);
    }

    private async Task WatchForOthersAsync()
    {
        if (_links is null)
        {
            return;
        }

        await OnBrokersChangedAsync(_brokersChanged.OnEvent).ConfigureAwait(false);
        await OnTopicsChangedAsync(_topicsChanged.OnEvent).ConfigureAwait(false);
        await OnDeletionsAskedAsync(_deletionsAsked.OnEvent).ConfigureAwait(false);
        await OnElectionsAskedAsync(_electionsAsked.OnEvent).ConfigureAwait(false);
        await OnDirectoriesFailedAsync(_directoriesFailed.OnEvent).ConfigureAwait(false);
        await OnReassignmentsAskedAsync(_reassignmentsAsked.OnEvent).ConfigureAwait(false);
    }

    private async Task<TopicImage?> TryLoadTopicAsync(string name, MetadataImage image, List<TreeOperation> writes)
    {
        int before = writes.Count;
        if (TopicNames.Validate(name) is { } problem)
        {
            ControllerLog.Ignored(_logger, ZnodePaths.Topic(name), problem);
            return null;
        }

        try
        {
            return await LoadTopicAsync(name, image, writes).ConfigureAwait(false);
        }
        catch (CoordinationException e) when (e.Error == CoordinationError.NoNode)
        {
            // Deleted meanwhile.
            writes.RemoveRange(before, writes.Count - before);
            return null;
        }
        catch (InvalidDataException e)
        {
            ControllerLog.Ignored(_logger, ZnodePaths.Topic(name), e.Message);
            writes.RemoveRange(before, writes.Count - before);
            return null;
        }
    }
}
