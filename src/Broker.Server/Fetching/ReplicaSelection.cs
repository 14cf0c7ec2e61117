using Broker.Cluster;
using Broker.Configuration;

namespace Broker.Server;

/// <summary>
/// Sends consumers to a replica in their own rack (KIP-392, replica.selector.class = RackAwareReplicaSelector): one that is in sync, has the offset, and can be reached by
/// their listener; the one that has most, and among those the one that caught up last. Consumers beside the leader, or where nobody qualifies, stay with it.
/// </summary>
internal sealed class ReplicaSelection(MetadataStore metadata, int brokerId)
{
    public const string ByRack = "org.apache.kafka.common.replica.RackAwareReplicaSelector";

    /// <summary>Null where consumers stay with leaders.</summary>
    public static ReplicaSelection? From(BrokerConfig config, MetadataStore metadata, int brokerId) =>
        config.Get(ConfigKeys.ReplicaSelectorClass) == ByRack ? new ReplicaSelection(metadata, brokerId) : null;

    /// <summary>Null for the leader.</summary>
    public int? Choose(Partition partition, long offset, string rack, string listener)
    {
        MetadataImage image = metadata.Current;
        return rack.Length == 0 || image.Broker(brokerId)?.Rack == rack
            ? null
            : partition.BestFollower(offset, follower => image.Broker(follower) is { } broker && broker.Rack == rack && broker.Endpoint(listener) is not null);
    }
}
