namespace Broker.Configuration;

/// <summary>Why a key of Kafka has no effect in this version. Printed in the documentation and beside a value that somebody set.</summary>
internal static class NotYet
{
    public const string ZooKeeperTls = "Versions and ciphers for TLS to ZooKeeper are those of the operating system; revocation is not checked.";
    public const string Quorum = "Metadata is kept in the embedded coordination tree, not in a KRaft quorum.";
    public const string SingleBroker = "This part of replication is not in this version.";
    public const string Authorization = "This version has no authorizer: every client may do everything.";
    public const string Threads = "Work is spread over the cores of the machine; there is no pool of this kind to size.";
    public const string Quotas = "This version does not enforce quotas.";
    public const string Sasl = "This version has no SASL listeners.";
    public const string Tls = "This version has no TLS listeners.";
    public const string JavaOnly = "It configures the Java virtual machine or names a Java class, which cannot be loaded here.";
    public const string DelegationTokens = "This version has no delegation tokens.";
    public const string DynamicSecrets = "This version keeps no dynamic passwords.";
    public const string Providers = "Values are taken as they stand; use environment variables for secrets.";
    public const string MessageFormat = "Records are always kept in the current format (v2), as in Kafka 3.0 and later.";
    public const string Purgatory = "Waiting requests leave their list at once when they are done; there is nothing to purge.";
    public const string CommitAcks = "Commits always wait for the in-sync replicas.";
    public const string ConsumerProtocol = "This version has the classic group protocol only.";
    public const string ShareGroups = "This version has no share groups.";
    public const string Telemetry = "This version takes no metrics from clients.";
    public const string TieredStorage = "This version has no tiered storage.";
    public const string Queues = "There is no common queue of requests: each connection is bounded by itself, by requests and by bytes in work.";
    public const string StartOffsets = "Log start offsets are written with the recovery points (log.flush.offset.checkpoint.interval.ms).";
}
