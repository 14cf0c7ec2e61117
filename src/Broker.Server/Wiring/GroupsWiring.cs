using Broker.Cluster;
using Broker.Coordination;
using Microsoft.Extensions.Logging;

namespace Broker.Server;

internal static class GroupsWiring
{
    public static GroupCoordinator Create(ConfigStore config, MetadataStore metadata, ReplicaManager replicas, TimeProvider time, ILoggerFactory loggers) => new();
}
