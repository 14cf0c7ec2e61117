using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Cluster;

/// <summary>
/// Deletion of topics. The mark under /admin/delete_topics makes it certain: whatever dies after it, the next controller goes on. Replicas go before the nodes, so
/// that no broker is left with one: the deletion of a topic with a replica on a dead broker ends when that broker is back.
/// </summary>
public sealed partial class ClusterController
{
    /// <summary>How long a DeleteTopics waits for brokers to let go; the deletion goes on after that.</summary>
    private static readonly TimeSpan DeletionPatience = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, Deletion> _deletions = new(StringComparer.Ordinal);

    /// <summary>
    /// Null when there is no such topic. The mark under /admin/delete_topics makes the deletion certain: a crash after it is finished at the next start.
    /// Clients stop seeing the topic first.
    /// </summary>
    private async Task<DeleteTopicResult?> DeleteTopicAsync(TopicImage? topic)
    {
        if (topic is null)
        {
            return null;
        }

        await CommitAsync([TreeOperation.Create(ZnodePaths.DeleteTopic(topic.Name), default)]).ConfigureAwait(false);
        await HideAndDeleteAsync(topic).ConfigureAwait(false);
        return new DeleteTopicResult(topic.Name, topic.Id, ErrorCode.None, null);
    }

    private async Task HideAndDeleteAsync(TopicImage topic)
    {
        Swap(Image.Without(topic));
        _host.OnTopicDeleted(topic.Name);
        Forget(topic);
        await FinishDeletionAsync(topic.Name).ConfigureAwait(false);
        ControllerLog.Deleted(_logger, topic.Name, Uuids.ToText(topic.Id));
    }

    /// <summary>Tries a deletion again that failed after its mark was set, for instance on a full disk. Null when there is none.</summary>
    private async Task<DeleteTopicResult?> DeleteHiddenTopicAsync(string topic)
    {
        if (TopicNames.Validate(topic) is not null || await _tree.ExistsAsync(ZnodePaths.DeleteTopic(topic)).ConfigureAwait(false) is null)
        {
            return null;
        }

        await FinishDeletionAsync(topic).ConfigureAwait(false);
        return new DeleteTopicResult(topic, Guid.Empty, ErrorCode.None, null);
    }

    /// <summary>Carries out a mark under /admin/delete_topics, as far as brokers are alive. Any step may have been done before.</summary>
    private async Task FinishDeletionAsync(string topic)
    {
        if (await TryGetAsync(_tree, ZnodePaths.Topic(topic)).ConfigureAwait(false) is not { } node)
        {
            await RemoveNodesAsync(topic).ConfigureAwait(false);
            return;
        }

        var assignment = TopicZnode.Decode(topic, node.Data);
        TopicPartition[] partitions = [.. Enumerable.Range(0, assignment.Replicas.Count).Select(p => new TopicPartition(topic, p))];
        await _host.StopReplicasAsync(partitions, delete: true).ConfigureAwait(false);
        var deletion = new Deletion(assignment, partitions);
        foreach (int broker in _links is null ? [] : assignment.Replicas.SelectMany(r => r).Where(b => b != Self).Distinct())
        {
            deletion.Pending.Add(broker);
        }

        if (deletion.Pending.Count == 0)
        {
            await RemoveNodesAsync(topic).ConfigureAwait(false);
            return;
        }

        _deletions[topic] = deletion;
        foreach (int broker in deletion.Pending)
        {
            Stop(topic, deletion, broker);
        }
    }

    private async Task ResumeDeletionsAsync(int broker)
    {
        foreach ((string topic, Deletion deletion) in _deletions)
        {
            if (deletion.Pending.Contains(broker))
            {
                Stop(topic, deletion, broker);
            }
        }

        await Task.CompletedTask.ConfigureAwait(false);
    }

    private void Stop(string topic, Deletion deletion, int broker)
    {
        if (Image.Broker(broker) is not { } live)
        {
            return;
        }

        IEnumerable<(TopicPartition, int)> hosted = deletion.Partitions.Where(p => deletion.Assignment.Replicas[p.Partition].Contains(broker)).Select(p => (p, DeletionEpoch));
        _links!.Remote.Send(broker, ApiKey.StopReplica, Requests.StopReplica(live, hosted, delete: true), answer =>
        {
            if (answer is StopReplicaResponse { ErrorCode: ErrorCode.None })
            {
                TryEnqueue(() => OnStoppedAsync(topic, deletion, broker));
            }
        });
    }

    private async Task OnStoppedAsync(string topic, Deletion deletion, int broker)
    {
        if (_deletions.GetValueOrDefault(topic) == deletion && deletion.Pending.Remove(broker) && deletion.Pending.Count == 0)
        {
            await RemoveNodesAsync(topic).ConfigureAwait(false);
            _deletions.Remove(topic);
            deletion.Done.TrySetResult();
        }
    }

    /// <summary>So that whoever deletes a topic and makes it again is not told that it is still going.</summary>
    private async Task<IReadOnlyList<DeleteTopicResult>> DeletedAsync(Task<IReadOnlyList<DeleteTopicResult>> marked)
    {
        IReadOnlyList<DeleteTopicResult> results = await marked.ConfigureAwait(false);
        if (_links is null)
        {
            return results;
        }

        Task[] pending = await Enqueue(() => Task.FromResult(results.Where(r => r.Error == ErrorCode.None && r.Name is not null)
            .Select(r => _deletions.GetValueOrDefault(r.Name!)?.Done.Task).OfType<Task>().ToArray())).ConfigureAwait(false);
        await Task.WhenAny(Task.WhenAll(pending), Task.Delay(DeletionPatience, _time)).ConfigureAwait(false);
        return results;
    }

    private void Forget(TopicImage topic)
    {
        foreach (BrokerImage broker in Others)
        {
            _links!.Remote.Send(broker.Id, ApiKey.UpdateMetadata, Requests.Forget(Image, broker, topic));
        }
    }

    private async Task RemoveNodesAsync(string topic)
    {
        var changes = new List<TreeOperation>();
        await AddDeletesAsync(ZnodePaths.Topic(topic), changes).ConfigureAwait(false);
        await AddDeletesAsync(ZnodePaths.TopicConfig(topic), changes).ConfigureAwait(false);
        changes.Add(TreeOperation.Delete(ZnodePaths.DeleteTopic(topic)));
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

    private static TopicPartition[] PartitionsOf(TopicImage topic) => [.. topic.Partitions.Select(p => new TopicPartition(topic.Name, p.Index))];

    // Kafka's mark of a deletion where a leader epoch stands.
    private const int DeletionEpoch = -2;

    private sealed class Deletion(TopicZnode assignment, IReadOnlyList<TopicPartition> partitions)
    {
        public TopicZnode Assignment { get; } = assignment;

        public IReadOnlyList<TopicPartition> Partitions { get; } = partitions;

        public HashSet<int> Pending { get; } = [];

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
