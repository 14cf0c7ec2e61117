using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// Transactions and idempotent producers.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<int> ProducerIdExpirationMs = Int(
        "producer.id.expiration.ms", 86400000, AtLeast(1), Low, ClusterWide,
        "Time without writes after which a partition forgets a producer id, in ms.");

    public static readonly ConfigKey<int> TransactionalIdExpirationMs = Int(
        "transactional.id.expiration.ms", 604800000, AtLeast(1), High, ReadOnly,
        "Time without use after which a transactional id is forgotten, in ms.");

    public static readonly ConfigKey<int> TransactionMaxTimeoutMs = Int(
        "transaction.max.timeout.ms", 900000, AtLeast(1), High, ReadOnly,
        "Longest transaction timeout a client may ask for, in ms.");

    public static readonly ConfigKey<short> TransactionStateLogReplicationFactor = Short(
        "transaction.state.log.replication.factor", 3, AtLeast(1), High, ReadOnly,
        "Replicas of __transaction_state.",
        note: "3 as in Kafka. The defaults of a broker started without a properties file, and config/server.properties, set 1, which "
        + "is what one broker needs.");

    public static readonly ConfigKey<int> TransactionStateLogMinIsr = Int(
        "transaction.state.log.min.isr", 2, AtLeast(1), High, ReadOnly,
        "Replicas of __transaction_state that must be in sync for a write.",
        note: "2 as in Kafka. The defaults of a broker started without a properties file, and config/server.properties, set "
        + "1.");

    public static readonly ConfigKey<int> TransactionStateLogNumPartitions = Int(
        "transaction.state.log.num.partitions", 50, AtLeast(1), High, ReadOnly,
        "Partitions of __transaction_state; not to be changed later.");

    public static readonly ConfigKey<int> TransactionStateLogSegmentBytes = Int(
        "transaction.state.log.segment.bytes", 104857600, AtLeast(1), High, ReadOnly,
        "Segment size of __transaction_state, in bytes.");

    public static readonly ConfigKey<int> TransactionStateLogLoadBufferSize = Int(
        "transaction.state.log.load.buffer.size", 5242880, AtLeast(1), High, ReadOnly,
        "Bytes read at a time when transactions are loaded.");

    public static readonly ConfigKey<int> TransactionAbortTimedOutTransactionCleanupIntervalMs = Int(
        "transaction.abort.timed.out.transaction.cleanup.interval.ms", 10000, AtLeast(1), Low, ReadOnly,
        "Time between searches for transactions that took too long, in ms.");

    public static readonly ConfigKey<int> TransactionRemoveExpiredTransactionCleanupIntervalMs = Int(
        "transaction.remove.expired.transaction.cleanup.interval.ms", 3600000, AtLeast(1), Low, ReadOnly,
        "Time between searches for forgotten transactional ids, in ms.");

    public static readonly ConfigKey<bool> TransactionPartitionVerificationEnable = Bool(
        "transaction.partition.verification.enable", true, Low, ClusterWide,
        "Check with the coordinator that a partition belongs to the transaction that writes to it.");
}
