using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// Replicas, leaders and fetching.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<int> DefaultReplicationFactor = Int(
        "default.replication.factor", 1, Any, Medium, ReadOnly,
        "Replicas of a topic that is created without a number.");

    public static readonly ConfigKey<int> MinInsyncReplicas = Int(
        "min.insync.replicas", 1, AtLeast(1), High, ClusterWide,
        "Replicas that must be in sync for a write with acks=all.");

    public static readonly ConfigKey<bool> UncleanLeaderElectionEnable = Bool(
        "unclean.leader.election.enable", false, High, ClusterWide,
        "Let a replica that lags become leader when no other is left, at the price of lost records.");

    public static readonly ConfigKey<int> FetchMaxBytes = Int(
        "fetch.max.bytes", 57671680, AtLeast(1024), Medium, ReadOnly,
        "Largest answer to one fetch, in bytes.");

    public static readonly ConfigKey<int> MaxIncrementalFetchSessionCacheSlots = Int(
        "max.incremental.fetch.session.cache.slots", 1000, AtLeast(0), Medium, ReadOnly,
        "Incremental fetch sessions kept at a time.");

    public static readonly ConfigKey<int> FetchPurgatoryPurgeIntervalRequests = Int(
        "fetch.purgatory.purge.interval.requests", 1000, Any, Medium, ReadOnly,
        "Waiting fetches between clean-ups of the list.",
        unsupported: NotYet.Purgatory);

    public static readonly ConfigKey<int> ProducerPurgatoryPurgeIntervalRequests = Int(
        "producer.purgatory.purge.interval.requests", 1000, Any, Medium, ReadOnly,
        "Waiting produces between clean-ups of the list.",
        unsupported: NotYet.Purgatory);

    public static readonly ConfigKey<int> DeleteRecordsPurgatoryPurgeIntervalRequests = Int(
        "delete.records.purgatory.purge.interval.requests", 1, Any, Medium, ReadOnly,
        "Waiting DeleteRecords between clean-ups of the list.",
        unsupported: NotYet.Purgatory);

    public static readonly ConfigKey<long> ReplicaHighWatermarkCheckpointIntervalMs = Long(
        "replica.high.watermark.checkpoint.interval.ms", 5000, Any, High, ReadOnly,
        "Time between writes of the high watermarks, in ms.");

    public static readonly ConfigKey<long> ReplicaLagTimeMaxMs = Long(
        "replica.lag.time.max.ms", 30000, Any, High, ReadOnly,
        "Time after which a follower that does not keep up leaves the in-sync replicas, in ms.");

    public static readonly ConfigKey<int> ReplicaFetchMaxBytes = Int(
        "replica.fetch.max.bytes", 1048576, AtLeast(0), Medium, ReadOnly,
        "Bytes a follower asks for per partition.");

    public static readonly ConfigKey<int> ReplicaFetchMinBytes = Int(
        "replica.fetch.min.bytes", 1, Any, High, ReadOnly,
        "Bytes a follower waits for.");

    public static readonly ConfigKey<int> ReplicaFetchWaitMaxMs = Int(
        "replica.fetch.wait.max.ms", 500, Any, High, ReadOnly,
        "Longest wait of a follower's fetch, in ms.");

    public static readonly ConfigKey<int> ReplicaFetchBackoffMs = Int(
        "replica.fetch.backoff.ms", 1000, AtLeast(0), Medium, ReadOnly,
        "Pause of a follower after an error, in ms.");

    public static readonly ConfigKey<int> ReplicaFetchResponseMaxBytes = Int(
        "replica.fetch.response.max.bytes", 10485760, AtLeast(0), Medium, ReadOnly,
        "Bytes a follower asks for per fetch.");

    public static readonly ConfigKey<int> ReplicaSocketTimeoutMs = Int(
        "replica.socket.timeout.ms", 30000, Any, High, ReadOnly,
        "Longest wait of a follower for an answer, in ms.");

    public static readonly ConfigKey<int> ReplicaSocketReceiveBufferBytes = Int(
        "replica.socket.receive.buffer.bytes", 65536, Any, High, ReadOnly,
        "Receive buffer of a follower's socket, in bytes.",
        unsupported: NotYet.SingleBroker);

    public static readonly ConfigKey<string?> ReplicaSelectorClass = TextOrNone(
        "replica.selector.class", OneOf("org.apache.kafka.common.replica.LeaderSelector", "org.apache.kafka.common.replica.RackAwareReplicaSelector"), Medium, ReadOnly,
        "Which replica a consumer reads from: the leader, or with RackAwareReplicaSelector one in the consumer's own rack (client.rack).");

    public static readonly ConfigKey<int> NumReplicaFetchers = Int(
        "num.replica.fetchers", 1, AtLeast(1), High, ClusterWide,
        "Connections by which a follower copies from each leader.");

    public static readonly ConfigKey<int?> NumReplicaAlterLogDirsThreads = IntOrNone(
        "num.replica.alter.log.dirs.threads", Any, High, ReadOnly,
        "Threads that move replicas between directories; as many as there are directories when unset.");

    public static readonly ConfigKey<bool> AutoLeaderRebalanceEnable = Bool(
        "auto.leader.rebalance.enable", true, High, ReadOnly,
        "Give leadership back to preferred replicas by itself.");

    public static readonly ConfigKey<long> LeaderImbalanceCheckIntervalSeconds = Long(
        "leader.imbalance.check.interval.seconds", 300, AtLeast(1), High, ReadOnly,
        "Time between checks of the balance of leaders, in s.");

    public static readonly ConfigKey<int> LeaderImbalancePerBrokerPercentage = Int(
        "leader.imbalance.per.broker.percentage", 10, Any, High, ReadOnly,
        "Share of leaders off their preferred replica that is tolerated, in percent.");

    public static readonly ConfigKey<bool> ControlledShutdownEnable = Bool(
        "controlled.shutdown.enable", true, Medium, ReadOnly,
        "Hand leaderships over before stopping.");

    public static readonly ConfigKey<int> ControlledShutdownMaxRetries = Int(
        "controlled.shutdown.max.retries", 3, Any, Medium, ReadOnly,
        "Attempts to hand leaderships over.");

    public static readonly ConfigKey<long> ControlledShutdownRetryBackoffMs = Long(
        "controlled.shutdown.retry.backoff.ms", 5000, Any, Medium, ReadOnly,
        "Pause between these attempts, in ms.");

    public static readonly ConfigKey<int> ControllerSocketTimeoutMs = Int(
        "controller.socket.timeout.ms", 30000, Any, Medium, ReadOnly,
        "Longest wait of the controller for a broker's answer, in ms.");

    public static readonly ConfigKey<string> InterBrokerProtocolVersion = Text(
        "inter.broker.protocol.version", "3.9-IV0", ReleaseVersion, Medium, ReadOnly,
        "Version that brokers speak among each other.",
        unsupported: NotYet.SingleBroker);

    public static readonly ConfigKey<long> LeaderReplicationThrottledRate = Long(
        "leader.replication.throttled.rate", long.MaxValue, AtLeast(0), Medium, PerBroker,
        "Bytes per second a leader sends to throttled replicas. Dynamic only.",
        listed: false);

    public static readonly ConfigKey<long> FollowerReplicationThrottledRate = Long(
        "follower.replication.throttled.rate", long.MaxValue, AtLeast(0), Medium, PerBroker,
        "Bytes per second a follower reads for throttled replicas. Dynamic only.",
        listed: false);

    public static readonly ConfigKey<long> ReplicaAlterLogDirsIoMaxBytesPerSecond = Long(
        "replica.alter.log.dirs.io.max.bytes.per.second", long.MaxValue, AtLeast(0), Medium, PerBroker,
        "Bytes per second moved between directories. Dynamic only.",
        listed: false);
}
