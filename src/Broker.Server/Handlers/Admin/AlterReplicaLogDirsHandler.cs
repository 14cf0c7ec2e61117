using Broker.Protocol;
using Broker.Protocol.Messages;

namespace Broker.Server;

/// <summary>AlterReplicaLogDirs (key 34): moves replicas between the directories of this broker, in the background (KIP-113). v2 is flexible.</summary>
internal sealed class AlterReplicaLogDirsHandler(BrokerServices services) : ApiHandler<AlterReplicaLogDirsRequest>
{
    public static readonly ApiSupport Supports = new(ApiKey.AlterReplicaLogDirs, 0, 2);

    protected override ValueTask<IMessage?> HandleAsync(RequestContext context, AlterReplicaLogDirsRequest request)
    {
        // Named twice, the last directory counts.
        var wanted = new Dictionary<TopicPartition, string>();
        foreach (AlterReplicaLogDirsRequest.AlterReplicaLogDir directory in request.Dirs)
        {
            foreach (AlterReplicaLogDirsRequest.AlterReplicaLogDirTopic topic in directory.Topics)
            {
                foreach (int partition in topic.Partitions)
                {
                    wanted[new TopicPartition(topic.Name, partition)] = directory.Path;
                }
            }
        }

        return Ready(new AlterReplicaLogDirsResponse
        {
            Results = wanted.GroupBy(w => w.Key.Topic, StringComparer.Ordinal).Select(topic => new AlterReplicaLogDirsResponse.AlterReplicaLogDirTopicResult
            {
                TopicName = topic.Key,
                Partitions = topic.Select(w => new AlterReplicaLogDirsResponse.AlterReplicaLogDirPartitionResult
                {
                    PartitionIndex = w.Key.Partition,
                    ErrorCode = LogDirMoves.Alter(services.Replicas, services.Metadata.Current, w.Key, w.Value),
                }).ToArray(),
            }).ToArray(),
        });
    }
}
