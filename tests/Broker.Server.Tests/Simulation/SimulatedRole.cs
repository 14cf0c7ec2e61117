using Broker.Cluster;

namespace Broker.Server.Tests;

/// <summary>A LeaderAndIsr request on its way, or with <see cref="IsStop"/> a StopReplica that deletes.</summary>
internal readonly record struct SimulatedRole(int ControllerEpoch, long BrokerEpoch, PartitionImage State)
{
    public bool IsStop { get; init; }
}
