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
        else if (Environment.GetEnvironmentVariable("BROKER_CUT_FAULTS") is null)
        {
            Skip = "A campaign: say how many faults with BROKER_CUT_FAULTS";
        }
        else if (!NetworkSpace.IsPossible)
        {
            Skip = "Needs network namespaces: root, CAP_NET_ADMIN and the program ip (Debian's package iproute2)";
        }
    }
}
