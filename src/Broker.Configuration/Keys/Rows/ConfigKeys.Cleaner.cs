using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// Compaction.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<bool> LogCleanerEnable = Bool(
        "log.cleaner.enable", true, Medium, ReadOnly,
        "Compact topics whose policy says so.");

    public static readonly ConfigKey<int> LogCleanerThreads = Int(
        "log.cleaner.threads", 1, AtLeast(0), Medium, ClusterWide,
        "Logs compacted at the same time.");

    public static readonly ConfigKey<long> LogCleanerDedupeBufferSize = Long(
        "log.cleaner.dedupe.buffer.size", 134217728, Any, Medium, ClusterWide,
        "Memory for the map of keys, in bytes, shared by all cleaner threads.");

    public static readonly ConfigKey<int> LogCleanerIoBufferSize = Int(
        "log.cleaner.io.buffer.size", 524288, AtLeast(0), Medium, ClusterWide,
        "Memory for reading and writing while compacting, in bytes.");

    public static readonly ConfigKey<double> LogCleanerIoBufferLoadFactor = Double(
        "log.cleaner.io.buffer.load.factor", 0.9, Any, Medium, ClusterWide,
        "Share of the map of keys that may be filled.");

    public static readonly ConfigKey<double> LogCleanerIoMaxBytesPerSecond = Double(
        "log.cleaner.io.max.bytes.per.second", double.MaxValue, Any, Medium, ClusterWide,
        "Bytes read and written by compaction per second at most.");

    public static readonly ConfigKey<long> LogCleanerBackoffMs = Long(
        "log.cleaner.backoff.ms", 15000, AtLeast(0), Medium, ClusterWide,
        "Pause when there is nothing to compact, in ms.");

    public static readonly ConfigKey<double> LogCleanerMinCleanableRatio = Double(
        "log.cleaner.min.cleanable.ratio", 0.5, Between(0, 1), Medium, ClusterWide,
        "Share of a log that must be uncompacted before it is compacted.");

    public static readonly ConfigKey<long> LogCleanerDeleteRetentionMs = Long(
        "log.cleaner.delete.retention.ms", 86400000, AtLeast(0), Medium, ClusterWide,
        "Time for which the mark of a deleted key is kept, in ms.");

    public static readonly ConfigKey<long> LogCleanerMinCompactionLagMs = Long(
        "log.cleaner.min.compaction.lag.ms", 0, AtLeast(0), Medium, ClusterWide,
        "Age that a record must have before it may be compacted away, in ms.");

    public static readonly ConfigKey<long> LogCleanerMaxCompactionLagMs = Long(
        "log.cleaner.max.compaction.lag.ms", long.MaxValue, AtLeast(1), Medium, ClusterWide,
        "Age at which a record must be compacted at last, in ms.");
}
