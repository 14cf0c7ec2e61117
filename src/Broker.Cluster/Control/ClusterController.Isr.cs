using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Cluster;

/// <summary>Changes of the ISR that leaders ask for (AlterPartition).</summary>
public sealed partial class ClusterController
{
    /// <summary>From version 2 of the request on, which names topics by id. The answer to a leader that is not the leader any more says why.</summary>
    public Task<AlterPartitionResponse> AlterPartitionAsync(AlterPartitionRequest request) => Enqueue(async () =>
    {
        if (!_isActive)
        {
            return new AlterPartitionResponse { ErrorCode = ErrorCode.NotController };
        }

        MetadataImage image = Image;
        if (image.Broker(request.BrokerId) is not { } leader || (request.BrokerEpoch >= 0 && request.BrokerEpoch != leader.Epoch))
        {
            return new AlterPartitionResponse { ErrorCode = ErrorCode.StaleBrokerEpoch };
        }

        var asked = new List<Asked>();
        var changes = new PartitionChanges(image, _epoch);
        foreach (AlterPartitionRequest.TopicData topicData in request.Topics)
        {
            TopicImage? topic = image.Topic(topicData.TopicId);
            foreach (AlterPartitionRequest.PartitionData data in topicData.Partitions)
            {
                asked.Add(Judge(image, topicData.TopicId, topic, data, request.BrokerId, changes));
            }
        }

        try
        {
            await CommitAsync(changes.Writes).ConfigureAwait(false);
            if (changes.Writes.Count == 0 && asked.Exists(a => a.Error == ErrorCode.IneligibleReplica))
            {
                // After this answer the leader does not wait for the replica any more. Another controller may have let it in, and the answer may have been lost.
                await CheckOfficeAsync().ConfigureAwait(false);
            }

            (MetadataImage next, IReadOnlyList<TopicChange> told) = changes.Result();
            if (told.Count > 0)
            {
                Show(next, told);
                _reassignmentsDue.Fire();
            }
        }
        catch (CoordinationException e) when (e.Error == CoordinationError.BadVersion && e.Path != ZnodePaths.ControllerEpoch)
        {
            await LoadAsync().ConfigureAwait(false);
            asked = asked.ConvertAll(a => a.Error == ErrorCode.None ? a with { Error = ErrorCode.InvalidUpdateVersion } : a);
        }

        return Answer(asked);
    });

    private Asked Judge(MetadataImage image, Guid topicId, TopicImage? topic, in AlterPartitionRequest.PartitionData data, int broker, PartitionChanges changes)
    {
        ErrorCode error = topic is null ? ErrorCode.UnknownTopicId
            : (uint)data.PartitionIndex >= (uint)topic.Partitions.Count ? ErrorCode.UnknownTopicOrPartition
            : ErrorCode.None;
        if (error != ErrorCode.None)
        {
            return new Asked(topicId, data.PartitionIndex, error);
        }

        PartitionImage partition = topic!.Partitions[data.PartitionIndex];
        (int Id, long Epoch)[] wanted = Wanted(data);
        Predicate<int> isUsable = Usable(image, topic, partition.Index);

        // A broker that cannot be used, or is not the one that caught up, must not count as a copy.
        error =
            data.LeaderEpoch > partition.LeaderEpoch || data.PartitionEpoch > partition.PartitionEpoch ? ErrorCode.NotController
            : data.LeaderEpoch < partition.LeaderEpoch ? ErrorCode.FencedLeaderEpoch
            : partition.Leader != broker ? ErrorCode.InvalidRequest
            : data.PartitionEpoch < partition.PartitionEpoch ? ErrorCode.InvalidUpdateVersion
            : !Array.Exists(wanted, w => w.Id == broker) || !Array.TrueForAll(wanted, w => partition.Replicas.Contains(w.Id)) ? ErrorCode.InvalidRequest
            : !Array.TrueForAll(wanted, w => isUsable(w.Id) && (w.Epoch < 0 || w.Epoch == image.Broker(w.Id)!.Epoch)) ? ErrorCode.IneligibleReplica
            : ErrorCode.None;
        if (error == ErrorCode.None)
        {
            changes.AddIsr(topic, partition, [.. wanted.Select(w => w.Id)]);
        }

        return new Asked(topicId, data.PartitionIndex, error);
    }

    private static (int Id, long Epoch)[] Wanted(in AlterPartitionRequest.PartitionData data)
    {
        var wanted = new List<(int, long)>();
        foreach (AlterPartitionRequest.BrokerState broker in data.NewIsrWithEpochs)
        {
            wanted.Add((broker.BrokerId, broker.BrokerEpoch));
        }

        foreach (int broker in data.NewIsr)
        {
            wanted.Add((broker, -1));
        }

        return [.. wanted];
    }

    /// <summary>What holds now, also beside an error: the leader catches up with it.</summary>
    private AlterPartitionResponse Answer(List<Asked> asked) => new()
    {
        Topics = asked.GroupBy(a => a.TopicId).Select(topic => new AlterPartitionResponse.TopicData
        {
            TopicId = topic.Key,
            Partitions = topic.Select(a =>
            {
                PartitionImage? now = Image.Topic(a.TopicId) is { } t && (uint)a.Partition < (uint)t.Partitions.Count ? t.Partitions[a.Partition] : null;
                return new AlterPartitionResponse.PartitionData
                {
                    PartitionIndex = a.Partition,
                    ErrorCode = a.Error,
                    LeaderId = now?.Leader ?? PartitionElection.NoLeader,
                    LeaderEpoch = now?.LeaderEpoch ?? -1,
                    Isr = now?.Isr ?? [],
                    PartitionEpoch = now?.PartitionEpoch ?? -1,
                };
            }).ToArray(),
        }).ToArray(),
    };

    private sealed record Asked(Guid TopicId, int Partition, ErrorCode Error);
}
