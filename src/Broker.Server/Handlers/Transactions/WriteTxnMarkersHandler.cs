using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>WriteTxnMarkers (key 27): ends transactions in partitions led here; sent by coordinators, and by administrators to abort what hangs (KIP-664).</summary>
internal sealed class WriteTxnMarkersHandler(BrokerServices services) : ApiHandler<WriteTxnMarkersRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.WriteTxnMarkers, 0, 1);

    protected override async ValueTask<IMessage?> HandleAsync(RequestContext context, WriteTxnMarkersRequest request)
    {
        List<WriteTxnMarkersResponse.WritableTxnMarkerResult> markers = [];
        foreach (WriteTxnMarkersRequest.WritableTxnMarker marker in request.Markers.ToArray())
        {
            List<WriteTxnMarkersResponse.WritableTxnMarkerTopicResult> topics = [];
            foreach (WriteTxnMarkersRequest.WritableTxnMarkerTopic topic in marker.Topics.ToArray())
            {
                List<WriteTxnMarkersResponse.WritableTxnMarkerPartitionResult> partitions = [];
                foreach (int index in topic.PartitionIndexes.ToArray())
                {
                    partitions.Add(new() { PartitionIndex = index, ErrorCode = await WriteAsync(marker, new TopicPartition(topic.Name, index)).ConfigureAwait(false) });
                }

                topics.Add(new() { Name = topic.Name, Partitions = partitions });
            }

            markers.Add(new() { ProducerId = marker.ProducerId, Topics = topics });
        }

        return new WriteTxnMarkersResponse { Markers = markers };
    }

    private ValueTask<ErrorCode> WriteAsync(WriteTxnMarkersRequest.WritableTxnMarker marker, TopicPartition partition) =>
        marker.ProducerId < 0 || marker.ProducerEpoch < 0
            ? new(ErrorCode.InvalidRequest)
            : services.Markers.WriteAsync(partition, marker.ProducerId, marker.ProducerEpoch, marker.CoordinatorEpoch, marker.TransactionResult);
}
