using Broker.ZooKeeper.Tests;

namespace Broker.EndToEnd;

/// <summary>A test that needs a real ZooKeeper; skipped, and counted as such, where there is none.</summary>
internal sealed class ZooKeeperFactAttribute : FactAttribute
{
    public ZooKeeperFactAttribute(bool needsKafka = false)
    {
        if (ZooKeeperInstallation.Current is null)
        {
            Skip = ZooKeeperInstallation.WhatIsMissing;
        }
        else if (needsKafka && Repository.KafkaReleases is null)
        {
            Skip = "Needs released Apache Kafka; point BROKER_KAFKA_DIR at it";
        }
    }
}
