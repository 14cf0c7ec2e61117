using Broker.Cluster;
using Broker.Cluster.Tests;
using Broker.ZooKeeper;
using Broker.ZooKeeper.Tests;

namespace Broker.Ensemble.Tests;

/// <summary>The store in ZooKeeper keeps the contract of coordination trees.</summary>
[NeedsZooKeeper]
public sealed class ZooKeeperTreeTests(SharedServer shared) : CoordinationTreeContract, IClassFixture<SharedServer>
{
    private readonly string _servers = shared.NewTree();

    protected override async Task<ICoordinationTree> OpenAsync() =>
        await ZooKeeperTree.OpenAsync(new ZooKeeperClientOptions(ZooKeeperConnectString.Parse(_servers)), secured: false, TimeProvider.System);
}
