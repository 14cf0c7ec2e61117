using System.Collections.Immutable;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Cluster;

/// <summary>
/// Reassignment of partitions to other brokers (<see cref="PartitionMove"/>). The node of the topic tells what is under way, so that the next controller goes on: it names the replicas that leave
/// until the brokers that are alive have deleted them.
/// </summary>
public sealed partial class ClusterController
{
    private readonly HashSet<TopicPartition> _reassigning = [];

    // Who has yet to delete the replicas that left.
    private readonly Dictionary<TopicPartition, HashSet<int>> _dropping = [];

    // Of the entries of /admin/reassign_partitions, those that were taken up: each is removed when its reassignment is over.
    private readonly Dictionary<TopicPartition, int[]> _askedByNode = [];

    private readonly record struct Plan(TopicImage Topic, PartitionImage Before, PartitionImage Next);

    /// <summary>Starts, replaces or cancels reassignments, each by itself. Those that have nothing to wait for are over when it returns, but for the deletion of replicas.</summary>
    /// <exception cref="NotControllerException">Only the controller can do that.</exception>
    public async Task<IReadOnlyList<PartitionReassignmentResult>> AlterReassignmentsAsync(IReadOnlyList<PartitionReassignment> asked)
    {
        IReadOnlyList<PartitionReassignmentResult> results = await Enqueue(() => _isActive ? ReassignAsync(asked) : throw new NotControllerException()).ConfigureAwait(false);

        // The first steps were queued behind it.
        return await Enqueue(() => Task.FromResult(results)).ConfigureAwait(false);
    }

    /// <summary>What is under way; null partitions for all.</summary>
    /// <exception cref="NotControllerException">Only the controller knows.</exception>
    public Task<IReadOnlyList<OngoingReassignment>> ListReassignmentsAsync(IReadOnlyCollection<TopicPartition>? partitions) => Enqueue(() =>
    {
        if (!_isActive)
        {
            throw new NotControllerException();
        }

        var ongoing = new List<OngoingReassignment>();
        foreach (TopicPartition key in partitions ?? _reassigning)
        {
            if (Find(key) is { IsReassigning: true } p)
            {
                ongoing.Add(new OngoingReassignment(key, [.. p.Replicas, .. p.Removing.Where(b => !p.Replicas.Contains(b))], p.Adding, p.Removing));
            }
        }

        return Task.FromResult<IReadOnlyList<OngoingReassignment>>(ongoing);
    });

    private PartitionImage? Find(TopicPartition key) =>
        Image.Topic(key.Topic) is { } topic && (uint)key.Partition < (uint)topic.Partitions.Count ? topic.Partitions[key.Partition] : null;

    private async Task<IReadOnlyList<PartitionReassignmentResult>> ReassignAsync(IReadOnlyList<PartitionReassignment> asked)
    {
        // What somebody else wrote in between is read, and judged anew, once.
        for (int attempt = 0; ; attempt++)
        {
            var results = new Dictionary<TopicPartition, PartitionReassignmentResult>();
            var plans = new Dictionary<TopicPartition, Plan>();
            foreach (PartitionReassignment wanted in asked)
            {
                results[wanted.Partition] = Judge(wanted, plans);
            }

            if (await TryBeginAsync(plans).ConfigureAwait(false))
            {
                _reassignmentsDue.Fire();
                return [.. results.Values];
            }

            if (attempt > 0)
            {
                return [.. results.Values.Select(r => r.Error != ErrorCode.None || !plans.ContainsKey(r.Partition)
                    ? r
                    : r with { Error = ErrorCode.UnknownServerError, Message = "Somebody else changes the topic in the coordination tree at the same time: try again" })];
            }
        }
    }

    /// <summary>Adds to the plans what has to be done.</summary>
    private PartitionReassignmentResult Judge(PartitionReassignment wanted, Dictionary<TopicPartition, Plan> plans)
    {
        TopicPartition key = wanted.Partition;
        plans.Remove(key);
        if (Find(key) is not { } partition)
        {
            return new(key, ErrorCode.UnknownTopicOrPartition, "The partition does not exist.");
        }

        if (wanted.Target is null && !PartitionMove.IsUnderWay(partition))
        {
            return new(key, ErrorCode.NoReassignmentInProgress, "No partition reassignment is in progress.");
        }

        int[] target = wanted.Target ?? PartitionMove.Origin(partition);
        if (PartitionMove.Validate(partition, target, Image) is { } problem)
        {
            return new(key, ErrorCode.InvalidReplicaAssignment, problem);
        }

        PartitionImage next = PartitionMove.Begin(partition, target, Usable(Image, Image.Topic(key.Topic)!, key.Partition));
        if (PartitionMove.IsNews(partition, next))
        {
            plans[key] = new Plan(Image.Topic(key.Topic)!, partition, next);
        }

        return new(key, ErrorCode.None, null);
    }

    /// <summary>Writes assignments and states, and tells them. False when another writer came between; then everything was read again.</summary>
    private async Task<bool> TryBeginAsync(Dictionary<TopicPartition, Plan> plans)
    {
        if (plans.Count == 0)
        {
            return true;
        }

        var changes = new PartitionChanges(Image, _epoch);
        foreach (IGrouping<string, Plan> topic in plans.Values.GroupBy(p => p.Topic.Name, StringComparer.Ordinal))
        {
            changes.Writes.Add(await AssignmentAsync(topic.Key, topic.Select(p => p.Next)).ConfigureAwait(false));
            foreach (Plan plan in topic)
            {
                changes.AddMove(plan.Topic, plan.Before, plan.Next);
            }
        }

        if ((await CommitAsync(changes).ConfigureAwait(false)).Count == 0)
        {
            return false;
        }

        foreach ((TopicPartition key, Plan plan) in plans)
        {
            _dropping.Remove(key);
            Remember(key, plan.Next.IsReassigning);
            ControllerLog.Reassigning(
                _logger, key, PartitionMove.Text(plan.Before.Replicas), PartitionMove.Text(PartitionMove.Target(plan.Next)), PartitionMove.Text(plan.Next.Adding), PartitionMove.Text(plan.Next.Removing));
        }

        await DropAsync(plans.Select(p => (p.Key, p.Value.Next, PartitionMove.Left(p.Value.Before, p.Value.Next))), isAwaited: false).ConfigureAwait(false);
        return true;
    }

    /// <summary>The node of a topic with other assignments of some partitions.</summary>
    private async Task<TreeOperation> AssignmentAsync(string topic, IEnumerable<PartitionImage> partitions)
    {
        TreeNode node = await _tree.GetAsync(ZnodePaths.Topic(topic)).ConfigureAwait(false);
        TopicZnode assignment = TopicZnode.Decode(topic, node.Data);
        foreach (PartitionImage partition in partitions)
        {
            assignment = assignment.With(partition.Index, partition.Replicas, partition.Adding, partition.Removing);
        }

        return TreeOperation.Set(ZnodePaths.Topic(topic), assignment.Encode(), node.Stat.Version);
    }

    /// <summary>Takes every reassignment as far as it can go now. Repeated when the tree could not be reached; what was done before is found done.</summary>
    private async Task AdvanceReassignmentsAsync()
    {
        if (!_isActive)
        {
            return;
        }

        _reassigning.RemoveWhere(key => Find(key) is null);
        await FinishAsync().ConfigureAwait(false);
        await CompleteAsync().ConfigureAwait(false);
        await RemoveAskedByNodeAsync().ConfigureAwait(false);
    }

    /// <summary>Where every wanted replica is in sync, the others leave.</summary>
    private async Task FinishAsync()
    {
        var changes = new PartitionChanges(Image, _epoch);
        foreach (IGrouping<string, TopicPartition> topic in _reassigning.GroupBy(k => k.Topic, StringComparer.Ordinal))
        {
            var finished = new List<PartitionImage>();
            foreach (TopicPartition key in topic)
            {
                PartitionImage before = Find(key)!;
                if (PartitionMove.Finish(before, Usable(Image, Image.Topic(key.Topic)!, key.Partition)) is { } next)
                {
                    changes.AddMove(Image.Topic(key.Topic)!, before, next);
                    finished.Add(next);
                }
            }

            if (finished.Count > 0)
            {
                changes.Writes.Add(await AssignmentAsync(topic.Key, finished).ConfigureAwait(false));
            }
        }

        if (changes.Writes.Count > 0)
        {
            await CommitAsync(changes).ConfigureAwait(false);
        }
    }

    /// <summary>Has those that left deleted, and where that is done, or their brokers are not there, the node of the topic forgets them.</summary>
    private async Task CompleteAsync()
    {
        TopicPartition[] left = [.. _reassigning.Where(key => !PartitionMove.IsUnderWay(Find(key)!))];
        await DropAsync(left.Where(key => !_dropping.ContainsKey(key)).Select(key => (key, Find(key)!, Find(key)!.Removing)).ToArray(), isAwaited: true).ConfigureAwait(false);
        TopicPartition[] done = Array.FindAll(left, key => _dropping.GetValueOrDefault(key) is not { Count: > 0 });
        if (done.Length == 0)
        {
            return;
        }

        var writes = new List<TreeOperation>();
        MetadataImage next = Image;
        foreach (IGrouping<string, TopicPartition> group in done.GroupBy(k => k.Topic, StringComparer.Ordinal))
        {
            PartitionImage[] settled = [.. group.Select(k => Find(k)! with { Adding = [], Removing = [] })];
            writes.Add(await AssignmentAsync(group.Key, settled).ConfigureAwait(false));
            TopicImage topic = Image.Topic(group.Key)!;
            ImmutableArray<PartitionImage>.Builder partitions = topic.PartitionArray.ToBuilder();
            foreach (PartitionImage partition in settled)
            {
                partitions[partition.Index] = partition;
            }

            next = next.With(topic with { PartitionArray = partitions.ToImmutable() });
        }

        try
        {
            await CommitAsync(writes).ConfigureAwait(false);
        }
        catch (CoordinationException e) when (e.Error == CoordinationError.BadVersion && e.Path != ZnodePaths.ControllerEpoch)
        {
            await LoadAsync().ConfigureAwait(false);
            return;
        }

        Swap(next);
        foreach (TopicPartition key in done)
        {
            _dropping.Remove(key);
            Remember(key, isReassigning: false);
            PartitionImage partition = Find(key)!;
            ControllerLog.Reassigned(_logger, key, PartitionMove.Text(partition.Replicas), partition.Leader);
        }
    }

    private void Remember(TopicPartition key, bool isReassigning)
    {
        if (isReassigning)
        {
            _reassigning.Add(key);
        }
        else
        {
            _reassigning.Remove(key);
        }
    }

    /// <summary>Has replicas deleted. Brokers that are not there keep theirs, and do not serve them when they are back.</summary>
    private async Task DropAsync(IEnumerable<(TopicPartition Key, PartitionImage State, int[] Brokers)> left, bool isAwaited)
    {
        foreach (IGrouping<int, (TopicPartition Key, PartitionImage State)> group in left.SelectMany(l => l.Brokers.Select(b => (Broker: b, l.Key, l.State))).GroupBy(l => l.Broker, l => (l.Key, l.State)).ToArray())
        {
            int broker = group.Key;
            TopicPartition[] keys = [.. group.Select(g => g.Key)];
            if (broker == Self)
            {
                await _host.StopReplicasAsync(keys, delete: true).ConfigureAwait(false);
                continue;
            }

            if (_links is null || Image.Broker(broker) is not { } live)
            {
                continue;
            }

            foreach (TopicPartition key in isAwaited ? keys : [])
            {
                (_dropping.TryGetValue(key, out HashSet<int>? waiting) ? waiting : _dropping[key] = []).Add(broker);
            }

            _links.Remote.Send(broker, ApiKey.StopReplica, Requests.StopReplica(live, group.Select(g => (g.Key, g.State.LeaderEpoch)), delete: true), answer =>
            {
                if (isAwaited && answer is StopReplicaResponse { ErrorCode: ErrorCode.None })
                {
                    TryEnqueue(() => OnDroppedAsync(keys, broker));
                }
            });
        }
    }

    private Task OnDroppedAsync(TopicPartition[] keys, int broker)
    {
        foreach (TopicPartition key in keys)
        {
            _dropping.GetValueOrDefault(key)?.Remove(broker);
        }

        _reassignmentsDue.Fire();
        return Task.CompletedTask;
    }

    /// <summary>Brokers that are gone need not be waited for.</summary>
    private void ForgetDropping(HashSet<int> gone)
    {
        foreach (HashSet<int> waiting in _dropping.Values)
        {
            waiting.ExceptWith(gone);
        }
    }

    private void ForgetReassignments()
    {
        _reassigning.Clear();
        _dropping.Clear();
        _askedByNode.Clear();
    }

    /// <summary>
    /// What an earlier controller began. It may have written an assignment and died before anybody was told: a new leader epoch makes all of them listen.
    /// </summary>
    private async Task ResumeReassignmentsAsync()
    {
        var changes = new PartitionChanges(Image, _epoch);
        foreach (TopicImage topic in Image.Topics)
        {
            foreach (PartitionImage partition in topic.Partitions)
            {
                if (!partition.IsReassigning)
                {
                    continue;
                }

                _reassigning.Add(new TopicPartition(topic.Name, partition.Index));
                if (PartitionMove.IsUnderWay(partition))
                {
                    changes.AddMove(topic, partition, partition with { LeaderEpoch = partition.LeaderEpoch + 1, PartitionEpoch = partition.PartitionEpoch + 1 });
                }
            }
        }

        if (_reassigning.Count > 0)
        {
            await CommitAsync(changes).ConfigureAwait(false);
            _reassignmentsDue.Fire();
        }
    }

    /// <summary>Tools that know ZooKeeper only write what they want into a node, and wait until it is gone.</summary>
    private async Task OnReassignmentsAskedAsync(Action<WatchedEvent> watch)
    {
        if (!_isActive || await _tree.ExistsAsync(ZnodePaths.Reassignment, watch).ConfigureAwait(false) is null
            || await TryGetAsync(_tree, ZnodePaths.Reassignment).ConfigureAwait(false) is not { } node)
        {
            return;
        }

        IReadOnlyDictionary<TopicPartition, int[]> asked;
        try
        {
            asked = ReassignmentZnode.Decode(node.Data);
        }
        catch (InvalidDataException e)
        {
            ControllerLog.Ignored(_logger, ZnodePaths.Reassignment, e.Message);
            await CommitAsync([TreeOperation.Delete(ZnodePaths.Reassignment, node.Stat.Version)]).ConfigureAwait(false);
            return;
        }

        IReadOnlyList<PartitionReassignmentResult> results = await ReassignAsync([.. asked.Select(a => new PartitionReassignment(a.Key, a.Value))]).ConfigureAwait(false);
        foreach (PartitionReassignmentResult refused in results.Where(r => r.Error != ErrorCode.None))
        {
            ControllerLog.NotReassigned(_logger, refused.Partition, PartitionMove.Text(asked[refused.Partition]), ZnodePaths.Reassignment, refused.Message);
        }

        foreach ((TopicPartition key, int[] target) in asked)
        {
            _askedByNode[key] = target;
        }

        await RemoveAskedByNodeAsync().ConfigureAwait(false);
    }

    /// <summary>Takes out of the node what is over, was refused, or was replaced. What a tool added since is left for the watch.</summary>
    private async Task RemoveAskedByNodeAsync()
    {
        TopicPartition[] over = [.. _askedByNode.Where(a => Find(a.Key) is not { IsReassigning: true } p || !PartitionMove.Target(p).AsSpan().SequenceEqual(a.Value)).Select(a => a.Key)];
        if (over.Length == 0)
        {
            return;
        }

        try
        {
            TreeNode node = await _tree.GetAsync(ZnodePaths.Reassignment).ConfigureAwait(false);
            Dictionary<TopicPartition, int[]> left = ReassignmentZnode.Decode(node.Data).Where(e => !over.Contains(e.Key) || !e.Value.AsSpan().SequenceEqual(_askedByNode[e.Key])).ToDictionary();
            await CommitAsync([left.Count == 0
                ? TreeOperation.Delete(ZnodePaths.Reassignment, node.Stat.Version)
                : TreeOperation.Set(ZnodePaths.Reassignment, ReassignmentZnode.Encode(left), node.Stat.Version)]).ConfigureAwait(false);
        }
        catch (CoordinationException e) when (e.Error == CoordinationError.NoNode)
        {
            // Removed by hand: what it asked for goes on.
        }
        catch (Exception e) when (e is InvalidDataException or CoordinationException { Error: CoordinationError.BadVersion, Path: ZnodePaths.Reassignment })
        {
            // Written by hand: the watch tells of it.
            ControllerLog.Ignored(_logger, ZnodePaths.Reassignment, e.Message);
        }

        foreach (TopicPartition key in over)
        {
            _askedByNode.Remove(key);
        }
    }
}
