using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// Where records are kept and for how long: directories, segments, retention, flushing.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<string?> LogDirs = TextOrNone(
        "log.dirs", Any, High, ReadOnly,
        "Directories of the logs, comma separated. Unset means log.dir.");

    public static readonly ConfigKey<string> LogDir = Text(
        "log.dir", "/tmp/kafka-logs", Any, High, ReadOnly,
        "Directory of the logs when log.dirs is unset.");

    public static readonly ConfigKey<long> LogDirsMinFreeBytes = Long(
        "log.dirs.min.free.bytes", -1, AtLeast(-1), Medium, ReadOnly,
        "Bytes of a log directory's file system that records may not use, so that there is room to delete topics, keep groups and stop cleanly when it is full. "
        + "Below it producers are refused with KAFKA_STORAGE_ERROR until there is room again. -1 means 64 MiB, but at most 5 % of the file system. Not a key of Kafka.",
        listed: false);

    public static readonly ConfigKey<int> NumPartitions = Int(
        "num.partitions", 1, AtLeast(1), Medium, ReadOnly,
        "Partitions of a topic that is created without a number.");

    public static readonly ConfigKey<int> LogSegmentBytes = Int(
        "log.segment.bytes", 1073741824, AtLeast(14), High, ClusterWide,
        "Size at which a segment is closed and the next one begins, in bytes.");

    public static readonly ConfigKey<long?> LogRollMs = LongOrNone(
        "log.roll.ms", Any, High, ClusterWide,
        "Age at which a segment is closed even if it is small, in ms. Unset means log.roll.hours.",
        synonyms: SynonymChains.Roll);

    public static readonly ConfigKey<int> LogRollHours = Int(
        "log.roll.hours", 168, AtLeast(1), High, ReadOnly,
        "Age at which a segment is closed even if it is small, in hours; log.roll.ms comes before it.",
        synonyms: SynonymChains.Roll);

    public static readonly ConfigKey<long?> LogRollJitterMs = LongOrNone(
        "log.roll.jitter.ms", Any, High, ClusterWide,
        "Random time taken off the age of closing, so that not all segments close at once, in ms. Unset means log.roll.jitter.hours.",
        synonyms: SynonymChains.RollJitter);

    public static readonly ConfigKey<int> LogRollJitterHours = Int(
        "log.roll.jitter.hours", 0, AtLeast(0), High, ReadOnly,
        "Random time taken off the age of closing, in hours; log.roll.jitter.ms comes before it.",
        synonyms: SynonymChains.RollJitter);

    public static readonly ConfigKey<long?> LogRetentionMs = LongOrNone(
        "log.retention.ms", Any, High, ClusterWide,
        "Age after which closed segments are deleted, in ms; -1 keeps them. Unset means log.retention.minutes.",
        synonyms: SynonymChains.Retention);

    public static readonly ConfigKey<int?> LogRetentionMinutes = IntOrNone(
        "log.retention.minutes", Any, High, ReadOnly,
        "Age after which closed segments are deleted, in minutes. Unset means log.retention.hours.",
        synonyms: SynonymChains.Retention);

    public static readonly ConfigKey<int> LogRetentionHours = Int(
        "log.retention.hours", 168, Any, High, ReadOnly,
        "Age after which closed segments are deleted, in hours; log.retention.ms and log.retention.minutes come before it.",
        synonyms: SynonymChains.Retention);

    public static readonly ConfigKey<long> LogRetentionBytes = Long(
        "log.retention.bytes", -1, Any, High, ClusterWide,
        "Size of a partition beyond which its oldest segments are deleted, in bytes; -1 means no limit.");

    public static readonly ConfigKey<long> LogRetentionCheckIntervalMs = Long(
        "log.retention.check.interval.ms", 300000, AtLeast(1), Medium, ReadOnly,
        "Time between searches for segments to delete, in ms.");

    public static readonly ConfigKey<long> LogSegmentDeleteDelayMs = Long(
        "log.segment.delete.delay.ms", 60000, AtLeast(0), High, ClusterWide,
        "Time between taking a file out of the log and removing it from disk, in ms.");

    public static readonly ConfigKey<IReadOnlyList<string>> LogCleanupPolicy = List(
        "log.cleanup.policy", "delete", EachOf("compact", "delete"), Medium, ClusterWide,
        "What happens to old records: delete drops old segments, compact keeps the last record of each key; both may be given.");

    public static readonly ConfigKey<int> LogIndexIntervalBytes = Int(
        "log.index.interval.bytes", 4096, AtLeast(0), Medium, ClusterWide,
        "Bytes of records between entries of the offset index.");

    public static readonly ConfigKey<int> LogIndexSizeMaxBytes = Int(
        "log.index.size.max.bytes", 10485760, AtLeast(4), Medium, ClusterWide,
        "Largest offset index of a segment, in bytes.");

    public static readonly ConfigKey<long> LogFlushIntervalMessages = Long(
        "log.flush.interval.messages", long.MaxValue, AtLeast(1), High, ClusterWide,
        "Records of a partition after which they are forced to disk.");

    public static readonly ConfigKey<long?> LogFlushIntervalMs = LongOrNone(
        "log.flush.interval.ms", Any, High, ClusterWide,
        "Longest time before records are forced to disk, in ms. Unset means log.flush.scheduler.interval.ms.",
        synonyms: SynonymChains.Flush);

    public static readonly ConfigKey<long> LogFlushSchedulerIntervalMs = Long(
        "log.flush.scheduler.interval.ms", long.MaxValue, Any, High, ReadOnly,
        "Longest time before records are forced to disk when log.flush.interval.ms is unset, in ms.");

    public static readonly ConfigKey<int> LogFlushOffsetCheckpointIntervalMs = Int(
        "log.flush.offset.checkpoint.interval.ms", 60000, AtLeast(0), High, ReadOnly,
        "Time between writes of the recovery point, in ms.");

    public static readonly ConfigKey<int> LogFlushStartOffsetCheckpointIntervalMs = Int(
        "log.flush.start.offset.checkpoint.interval.ms", 60000, AtLeast(0), High, ReadOnly,
        "Time between writes of the log start offsets, in ms.",
        unsupported: NotYet.StartOffsets);

    public static readonly ConfigKey<bool> LogPreallocate = Bool(
        "log.preallocate", false, Medium, ClusterWide,
        "Give a segment's file its whole size when it begins; what is not used is cut off when the segment ends.");

    public static readonly ConfigKey<int> NumRecoveryThreadsPerDataDir = Int(
        "num.recovery.threads.per.data.dir", 1, AtLeast(1), High, ClusterWide,
        "Logs of a directory that are recovered at the same time at start and flushed at the same time at stop.");

    public static readonly ConfigKey<long> LogDirFailureTimeoutMs = Long(
        "log.dir.failure.timeout.ms", 30000, AtLeast(1), Low, ReadOnly,
        "Time to tell the controller of a failed directory before the broker stops, in ms.",
        unsupported: NotYet.Quorum);

    public static readonly ConfigKey<bool> AutoCreateTopicsEnable = Bool(
        "auto.create.topics.enable", true, High, ReadOnly,
        "Create a topic when a client asks for one that does not exist.");

    public static readonly ConfigKey<bool> DeleteTopicEnable = Bool(
        "delete.topic.enable", true, High, ReadOnly,
        "Allow topics to be deleted.");

    public static readonly ConfigKey<string?> CreateTopicPolicyClassName = Class(
        "create.topic.policy.class.name", null, Low, ReadOnly,
        "Java class that decides on new topics.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<string?> AlterConfigPolicyClassName = Class(
        "alter.config.policy.class.name", null, Low, ReadOnly,
        "Java class that decides on changes of configs.",
        unsupported: NotYet.JavaOnly);

    public static readonly ConfigKey<bool> AlterConfigPolicyKraftCompatibilityEnable = Bool(
        "alter.config.policy.kraft.compatibility.enable", false, Low, ReadOnly,
        "How that class is called.",
        unsupported: NotYet.JavaOnly);
}
