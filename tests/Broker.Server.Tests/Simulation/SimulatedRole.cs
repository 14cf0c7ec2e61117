using Broker.Cluster;

namespace Broker.Server.Tests;

/// <summary>A LeaderAndIsr request on its way.</summary>
internal readonly record struct SimulatedRole(int ControllerEpoch, long BrokerEpoch, PartitionImage State);
