namespace Broker.ZooKeeper;

/// <summary>User and password for SASL DIGEST-MD5, as Kafka takes them from the <c>Client</c> section of its JAAS file.</summary>
public sealed record ZooKeeperSaslLogin(string User, string Password)
{
    /// <summary>The server's name in the digest; Kafka's zookeeper.sasl.client.username.</summary>
    public string ServiceName { get; init; } = "zookeeper";

    /// <summary>Passwords do not belong into logs.</summary>
    public override string ToString() => $"SASL login of {User}";
}
