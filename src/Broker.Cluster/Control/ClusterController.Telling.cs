using Broker.Protocol;

namespace Broker.Cluster;

/// <summary>Telling brokers what was decided.</summary>
public sealed partial class ClusterController
{
    private MemberRequests Requests => new(Self, _epoch, _links!.InterBrokerListener);

    private IEnumerable<BrokerImage> Others => _links is null ? [] : Image.Brokers.Where(b => b.Id != Self);

    /// <summary>
    /// This broker first, then its image, then the others, who get their own roles before the picture of all. A broker that has just come gets everything.
    /// </summary>
    private async Task TellAsync(MetadataImage next, IReadOnlyList<TopicChange> changes, IReadOnlyCollection<int>? newcomers = null)
    {
        foreach (TopicChange change in changes)
        {
            await _host.ApplyLeaderAndIsrAsync(change.Topic, change.Partitions).ConfigureAwait(false);
        }

        Swap(next);
        if (_links is not null && changes.Any(c => c.Partitions.Any(p => _host.IsOffline(new TopicPartition(c.Topic.Name, p.Index)))))
        {
            TryEnqueue(() => OnOwnRolesAsync(changes));
        }

        TopicChange[]? everything = null;
        foreach (BrokerImage broker in Others)
        {
            bool isNew = newcomers?.Contains(broker.Id) == true;
            IReadOnlyList<TopicChange> news = isNew ? everything ??= [.. next.Topics.Select(t => new TopicChange(t, t.Partitions))] : changes;
            if (isNew)
            {
                // Whoever is told to follow must know where the leaders are.
                _links!.Remote.Send(broker.Id, ApiKey.UpdateMetadata, Requests.UpdateMetadata(next, broker, []));
            }

            if (Requests.LeaderAndIsr(next, broker, news) is { } roles)
            {
                SendRoles(broker, roles);
            }

            _links!.Remote.Send(broker.Id, ApiKey.UpdateMetadata, Requests.UpdateMetadata(next, broker, news));
        }
    }

    /// <summary>For changes that leaders made themselves: only the picture changes.</summary>
    private void Show(MetadataImage next, IReadOnlyList<TopicChange> changes)
    {
        Swap(next);
        foreach (BrokerImage broker in Others)
        {
            _links!.Remote.Send(broker.Id, ApiKey.UpdateMetadata, Requests.UpdateMetadata(next, broker, changes));
        }
    }
}
