using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// Consumer groups and committed offsets.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<short> OffsetsTopicReplicationFactor = Short(
        "offsets.topic.replication.factor", 3, AtLeast(1), High, ReadOnly,
        "Replicas of __consumer_offsets. It cannot be created while fewer brokers are there.",
        note: "3 as in Kafka. The defaults of a broker started without a properties file, and config/server.properties, set 1, which "
        + "is what one broker needs.");

    public static readonly ConfigKey<int> OffsetsTopicNumPartitions = Int(
        "offsets.topic.num.partitions", 50, AtLeast(1), High, ReadOnly,
        "Partitions of __consumer_offsets; not to be changed later.");

    public static readonly ConfigKey<int> OffsetsTopicSegmentBytes = Int(
        "offsets.topic.segment.bytes", 104857600, AtLeast(1), High, ReadOnly,
        "Segment size of __consumer_offsets, in bytes.");

    public static readonly ConfigKey<int> OffsetsTopicCompressionCodec = Int(
        "offsets.topic.compression.codec", 0, Any, High, ReadOnly,
        "Codec of __consumer_offsets by number: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.");

    public static readonly ConfigKey<int> OffsetsRetentionMinutes = Int(
        "offsets.retention.minutes", 10080, AtLeast(1), High, ReadOnly,
        "Time for which committed offsets outlive a group without members, in minutes.");

    public static readonly ConfigKey<long> OffsetsRetentionCheckIntervalMs = Long(
        "offsets.retention.check.interval.ms", 600000, AtLeast(1), High, ReadOnly,
        "Time between searches for expired offsets, in ms.");

    public static readonly ConfigKey<int> OffsetMetadataMaxBytes = Int(
        "offset.metadata.max.bytes", 4096, Any, High, ReadOnly,
        "Largest text kept with a committed offset, in bytes.");

    public static readonly ConfigKey<int> OffsetsLoadBufferSize = Int(
        "offsets.load.buffer.size", 5242880, AtLeast(1), High, ReadOnly,
        "Bytes read at a time when groups are loaded.");

    public static readonly ConfigKey<int> OffsetsCommitTimeoutMs = Int(
        "offsets.commit.timeout.ms", 5000, AtLeast(1), High, ReadOnly,
        "Longest wait for the replicas of a commit, in ms.");

    public static readonly ConfigKey<short> OffsetsCommitRequiredAcks = Short(
        "offsets.commit.required.acks", -1, Any, High, ReadOnly,
        "Acks that a commit waits for.",
        unsupported: NotYet.CommitAcks);

    public static readonly ConfigKey<int> GroupInitialRebalanceDelayMs = Int(
        "group.initial.rebalance.delay.ms", 3000, Any, Medium, ReadOnly,
        "Time for which a new group waits for more members before its first generation, in ms.",
        note: "3000 as in Kafka. The defaults of a broker started without a properties file, and config/server.properties, set 0, as Kafka's own file does.");

    public static readonly ConfigKey<int> GroupMinSessionTimeoutMs = Int(
        "group.min.session.timeout.ms", 6000, Any, Medium, ReadOnly,
        "Shortest session timeout a member may ask for, in ms.");

    public static readonly ConfigKey<int> GroupMaxSessionTimeoutMs = Int(
        "group.max.session.timeout.ms", 1800000, Any, Medium, ReadOnly,
        "Longest session timeout a member may ask for, in ms.");

    public static readonly ConfigKey<int> GroupMaxSize = Int(
        "group.max.size", int.MaxValue, AtLeast(1), Medium, ReadOnly,
        "Members of a group at most.");

    public static readonly ConfigKey<int> GroupCoordinatorThreads = Int(
        "group.coordinator.threads", 1, AtLeast(1), Medium, ReadOnly,
        "Threads of the group coordinator.",
        unsupported: NotYet.Threads);

    public static readonly ConfigKey<int> GroupCoordinatorAppendLingerMs = Int(
        "group.coordinator.append.linger.ms", 10, AtLeast(0), Medium, ReadOnly,
        "Time the coordinator gathers writes, in ms.",
        unsupported: NotYet.ConsumerProtocol);

    public static readonly ConfigKey<IReadOnlyList<string>> GroupCoordinatorRebalanceProtocols = List(
        "group.coordinator.rebalance.protocols", "classic", EachOf("consumer", "classic", "share", "unknown"), Medium, ReadOnly,
        "Group protocols that are on. This version knows classic.");

    public static readonly ConfigKey<int> GroupConsumerSessionTimeoutMs = Int(
        "group.consumer.session.timeout.ms", 45000, AtLeast(1), Medium, ReadOnly,
        "Session timeout of members of the consumer protocol, in ms.",
        unsupported: NotYet.ConsumerProtocol);

    public static readonly ConfigKey<int> GroupConsumerMinSessionTimeoutMs = Int(
        "group.consumer.min.session.timeout.ms", 45000, AtLeast(1), Medium, ReadOnly,
        "Shortest such session timeout, in ms.",
        unsupported: NotYet.ConsumerProtocol);

    public static readonly ConfigKey<int> GroupConsumerMaxSessionTimeoutMs = Int(
        "group.consumer.max.session.timeout.ms", 60000, AtLeast(1), Medium, ReadOnly,
        "Longest such session timeout, in ms.",
        unsupported: NotYet.ConsumerProtocol);

    public static readonly ConfigKey<int> GroupConsumerHeartbeatIntervalMs = Int(
        "group.consumer.heartbeat.interval.ms", 5000, AtLeast(1), Medium, ReadOnly,
        "Time between heartbeats of the consumer protocol, in ms.",
        unsupported: NotYet.ConsumerProtocol);

    public static readonly ConfigKey<int> GroupConsumerMinHeartbeatIntervalMs = Int(
        "group.consumer.min.heartbeat.interval.ms", 5000, AtLeast(1), Medium, ReadOnly,
        "Shortest such time, in ms.",
        unsupported: NotYet.ConsumerProtocol);

    public static readonly ConfigKey<int> GroupConsumerMaxHeartbeatIntervalMs = Int(
        "group.consumer.max.heartbeat.interval.ms", 15000, AtLeast(1), Medium, ReadOnly,
        "Longest such time, in ms.",
        unsupported: NotYet.ConsumerProtocol);

    public static readonly ConfigKey<int> GroupConsumerMaxSize = Int(
        "group.consumer.max.size", int.MaxValue, AtLeast(1), Medium, ReadOnly,
        "Members of a group of the consumer protocol at most.",
        unsupported: NotYet.ConsumerProtocol);

    public static readonly ConfigKey<IReadOnlyList<string>> GroupConsumerAssignors = List(
        "group.consumer.assignors", "org.apache.kafka.coordinator.group.assignor.UniformAssignor,org.apache.kafka.coordinator.group.assignor.RangeAssignor", Any, Medium, ReadOnly,
        "Assignors of the consumer protocol, the default first.",
        unsupported: NotYet.ConsumerProtocol);

    public static readonly ConfigKey<string> GroupConsumerMigrationPolicy = Text(
        "group.consumer.migration.policy", "disabled", OneOfIgnoringCase("disabled", "downgrade", "upgrade", "bidirectional"), Medium, ReadOnly,
        "Whether groups may change between the classic and the consumer protocol.",
        unsupported: NotYet.ConsumerProtocol, listed: false);

    public static readonly ConfigKey<int> GroupShareSessionTimeoutMs = Int(
        "group.share.session.timeout.ms", 45000, AtLeast(1), Medium, ReadOnly,
        "Session timeout of members of a share group, in ms.",
        unsupported: NotYet.ShareGroups);

    public static readonly ConfigKey<int> GroupShareMinSessionTimeoutMs = Int(
        "group.share.min.session.timeout.ms", 45000, AtLeast(1), Medium, ReadOnly,
        "Shortest such session timeout, in ms.",
        unsupported: NotYet.ShareGroups);

    public static readonly ConfigKey<int> GroupShareMaxSessionTimeoutMs = Int(
        "group.share.max.session.timeout.ms", 60000, AtLeast(1), Medium, ReadOnly,
        "Longest such session timeout, in ms.",
        unsupported: NotYet.ShareGroups);

    public static readonly ConfigKey<int> GroupShareHeartbeatIntervalMs = Int(
        "group.share.heartbeat.interval.ms", 5000, AtLeast(1), Medium, ReadOnly,
        "Time between heartbeats of a share group, in ms.",
        unsupported: NotYet.ShareGroups);

    public static readonly ConfigKey<int> GroupShareMinHeartbeatIntervalMs = Int(
        "group.share.min.heartbeat.interval.ms", 5000, AtLeast(1), Medium, ReadOnly,
        "Shortest such time, in ms.",
        unsupported: NotYet.ShareGroups);

    public static readonly ConfigKey<int> GroupShareMaxHeartbeatIntervalMs = Int(
        "group.share.max.heartbeat.interval.ms", 15000, AtLeast(1), Medium, ReadOnly,
        "Longest such time, in ms.",
        unsupported: NotYet.ShareGroups);

    public static readonly ConfigKey<short> GroupShareMaxGroups = Short(
        "group.share.max.groups", 10, Between(1, 100), Medium, ReadOnly,
        "Share groups at most.",
        unsupported: NotYet.ShareGroups);

    public static readonly ConfigKey<short> GroupShareMaxSize = Short(
        "group.share.max.size", 200, Between(10, 1000), Medium, ReadOnly,
        "Members of a share group at most.",
        unsupported: NotYet.ShareGroups);

    public static readonly ConfigKey<int> GroupShareDeliveryCountLimit = Int(
        "group.share.delivery.count.limit", 5, Between(2, 10), Medium, ReadOnly,
        "Attempts to deliver a record.",
        unsupported: NotYet.ShareGroups);

    public static readonly ConfigKey<int> GroupSharePartitionMaxRecordLocks = Int(
        "group.share.partition.max.record.locks", 200, Between(100, 10000), Medium, ReadOnly,
        "Records of a partition in delivery at a time.",
        unsupported: NotYet.ShareGroups);

    public static readonly ConfigKey<int> GroupShareRecordLockDurationMs = Int(
        "group.share.record.lock.duration.ms", 30000, Between(1000, 60000), Medium, ReadOnly,
        "Time for which a delivered record is kept for one member, in ms.",
        unsupported: NotYet.ShareGroups);

    public static readonly ConfigKey<int> GroupShareMinRecordLockDurationMs = Int(
        "group.share.min.record.lock.duration.ms", 15000, Between(1000, 30000), Medium, ReadOnly,
        "Shortest such time, in ms.",
        unsupported: NotYet.ShareGroups);

    public static readonly ConfigKey<int> GroupShareMaxRecordLockDurationMs = Int(
        "group.share.max.record.lock.duration.ms", 60000, Between(30000, 3600000), Medium, ReadOnly,
        "Longest such time, in ms.",
        unsupported: NotYet.ShareGroups);
}
