using Broker.Cluster.Tests;
using Broker.ZooKeeper.Tests;

namespace Broker.Ensemble.Tests;

internal sealed class NeedsZooKeeperAttribute : StoreRequirementAttribute
{
    public override string? Missing => ZooKeeperInstallation.Current is null ? ZooKeeperInstallation.WhatIsMissing : null;
}
