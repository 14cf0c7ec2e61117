using Broker.ZooKeeper.Tests;

namespace Broker.EndToEnd;

/// <summary>A test that cuts networks under brokers on a real ZooKeeper; skipped, and counted as such, where it may not.</summary>
internal sealed class NetworkFactAttribute : FactAttribute
{
    public NetworkFactAttribute()
    {
        if (ZooKeeperInstallation.Current is null)
        {
            Skip = ZooKeeperInstallation.WhatIsMissing;
        }
        else
        {
            Skip = TestNetwork.WhatIsMissing;
        }
    }
}
