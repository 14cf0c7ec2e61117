namespace Broker.ZooKeeper.Tests;

/// <summary>A test that needs a real ZooKeeper; skipped, and counted as such, where there is none.</summary>
public sealed class ZooKeeperFactAttribute : FactAttribute
{
    public ZooKeeperFactAttribute()
    {
        if (ZooKeeperInstallation.Current is null)
        {
            Skip = ZooKeeperInstallation.WhatIsMissing;
        }
    }
}

/// <summary>A test that needs the old releases of ZooKeeper that old releases of Apache Kafka carry.</summary>
public sealed class OldZooKeeperFactAttribute : FactAttribute
{
    public OldZooKeeperFactAttribute()
    {
        if (ZooKeeperInstallation.Of34 is null || ZooKeeperInstallation.Of35 is null)
        {
            Skip = "Needs released Apache Kafka 0.10 and 2.8 for their ZooKeeper; point BROKER_KAFKA_DIR at them";
        }
    }
}
