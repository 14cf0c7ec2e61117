using Broker.Coordination;
using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>Markers for partitions that other brokers lead (WriteTxnMarkers v1). Stateless.</summary>
internal sealed class RemoteMarkers(PeerLinks peers)
{
    private const short Version = 1;

    /// <summary>What became of each partition; those that are missing were not answered for.</summary>
    public async Task<IReadOnlyDictionary<TopicPartition, ErrorCode>> WriteAsync(int leader, MarkerWork work, IReadOnlyCollection<TopicPartition> partitions)
    {
        var request = new WriteTxnMarkersRequest
        {
            Markers =
            [
                new WriteTxnMarkersRequest.WritableTxnMarker
                {
                    ProducerId = work.ProducerId,
                    ProducerEpoch = work.ProducerEpoch,
                    TransactionResult = work.IsCommit,
                    CoordinatorEpoch = work.CoordinatorEpoch,
                    Topics = partitions.GroupBy(p => p.Topic, StringComparer.Ordinal)
                        .Select(topic => new WriteTxnMarkersRequest.WritableTxnMarkerTopic { Name = topic.Key, PartitionIndexes = topic.Select(p => p.Partition).ToArray() }).ToArray(),
                },
            ],
        };
        var results = new Dictionary<TopicPartition, ErrorCode>();
        WriteTxnMarkersResponse? answer = await peers.AskAsync<WriteTxnMarkersResponse>(leader, ApiKey.WriteTxnMarkers, Version, request, CancellationToken.None).ConfigureAwait(false);
        foreach (WriteTxnMarkersResponse.WritableTxnMarkerResult marker in answer?.Markers ?? default)
        {
            foreach (WriteTxnMarkersResponse.WritableTxnMarkerTopicResult topic in marker.Topics)
            {
                foreach (WriteTxnMarkersResponse.WritableTxnMarkerPartitionResult partition in topic.Partitions)
                {
                    results[new TopicPartition(topic.Name, partition.PartitionIndex)] = partition.ErrorCode;
                }
            }
        }

        return results;
    }
}
