using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;

namespace Broker.Configuration;

/// <summary>The table of topic keys. Where a topic sets nothing, the broker key that the row names decides.</summary>
public static partial class TopicConfigKeys
{
    public static readonly ConfigKey<IReadOnlyList<string>> CleanupPolicy = List(
        "cleanup.policy", "delete", EachOf("compact", "delete"), Medium,
        "What happens to old records: delete drops old segments, compact keeps the last record of each key; both may be given.",
        broker: SynonymChains.Of(ConfigKeys.LogCleanupPolicy));

    public static readonly ConfigKey<string> CompressionType = Text(
        "compression.type", "producer", OneOf("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"), Medium,
        "Codec in which batches are kept; producer keeps what was sent.",
        broker: SynonymChains.Of(ConfigKeys.CompressionType));

    public static readonly ConfigKey<int> CompressionGzipLevel = Int(
        "compression.gzip.level", -1, GzipLevel, Medium,
        "Level when batches are compressed with gzip; -1 is the codec's own default.",
        broker: SynonymChains.Of(ConfigKeys.CompressionGzipLevel));

    public static readonly ConfigKey<int> CompressionLz4Level = Int(
        "compression.lz4.level", 9, Between(1, 17), Medium,
        "Level when batches are compressed with lz4.",
        broker: SynonymChains.Of(ConfigKeys.CompressionLz4Level));

    public static readonly ConfigKey<int> CompressionZstdLevel = Int(
        "compression.zstd.level", 3, Between(-131072, 22), Medium,
        "Level when batches are compressed with zstd.",
        broker: SynonymChains.Of(ConfigKeys.CompressionZstdLevel));

    public static readonly ConfigKey<long> DeleteRetentionMs = Long(
        "delete.retention.ms", 86400000, AtLeast(0), Medium,
        "Time for which the mark of a deleted key is kept in a compacted topic, in ms.",
        broker: SynonymChains.Of(ConfigKeys.LogCleanerDeleteRetentionMs));

    public static readonly ConfigKey<long> FileDeleteDelayMs = Long(
        "file.delete.delay.ms", 60000, AtLeast(0), Medium,
        "Time between taking a file out of the log and removing it from disk, in ms.",
        broker: SynonymChains.Of(ConfigKeys.LogSegmentDeleteDelayMs));

    public static readonly ConfigKey<long> FlushMessages = Long(
        "flush.messages", long.MaxValue, AtLeast(1), Medium,
        "Records after which they are forced to disk.",
        broker: SynonymChains.Of(ConfigKeys.LogFlushIntervalMessages));

    public static readonly ConfigKey<long> FlushMs = Long(
        "flush.ms", long.MaxValue, AtLeast(0), Medium,
        "Longest time before records are forced to disk, in ms.",
        broker: SynonymChains.Of(ConfigKeys.LogFlushIntervalMs));

    public static readonly ConfigKey<IReadOnlyList<string>> FollowerReplicationThrottledReplicas = List(
        "follower.replication.throttled.replicas", "", ThrottledReplicas, Medium,
        "Replicas that are throttled as followers, as partition:broker, or * for all.");

    public static readonly ConfigKey<IReadOnlyList<string>> LeaderReplicationThrottledReplicas = List(
        "leader.replication.throttled.replicas", "", ThrottledReplicas, Medium,
        "Replicas that are throttled as leaders, as partition:broker, or * for all.");

    public static readonly ConfigKey<int> IndexIntervalBytes = Int(
        "index.interval.bytes", 4096, AtLeast(0), Medium,
        "Bytes of records between entries of the offset index.",
        broker: SynonymChains.Of(ConfigKeys.LogIndexIntervalBytes));

    public static readonly ConfigKey<long> LocalRetentionBytes = Long(
        "local.retention.bytes", -2, AtLeast(-2), Medium,
        "Size up to which segments stay on this disk as well, in bytes; -2 means the retention.",
        broker: SynonymChains.Of(ConfigKeys.LogLocalRetentionBytes), unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<long> LocalRetentionMs = Long(
        "local.retention.ms", -2, AtLeast(-2), Medium,
        "Age up to which segments stay on this disk as well, in ms; -2 means the retention.",
        broker: SynonymChains.Of(ConfigKeys.LogLocalRetentionMs), unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<long> MaxCompactionLagMs = Long(
        "max.compaction.lag.ms", long.MaxValue, AtLeast(1), Medium,
        "Age at which a record must be compacted at last, in ms.",
        broker: SynonymChains.Of(ConfigKeys.LogCleanerMaxCompactionLagMs));

    public static readonly ConfigKey<int> MaxMessageBytes = Int(
        "max.message.bytes", 1048588, AtLeast(0), Medium,
        "Largest record batch that is taken, in bytes as sent (compressed).",
        broker: SynonymChains.Of(ConfigKeys.MessageMaxBytes));

    public static readonly ConfigKey<bool> MessageDownconversionEnable = Bool(
        "message.downconversion.enable", true, Low,
        "Convert record batches for consumers that know only older formats; otherwise they get UNSUPPORTED_VERSION.",
        broker: SynonymChains.Of(ConfigKeys.LogMessageDownconversionEnable));

    public static readonly ConfigKey<string> MessageFormatVersion = Text(
        "message.format.version", "3.0-IV1", ReleaseVersion, Medium,
        "Format in which records were kept by old versions.",
        broker: SynonymChains.Of(ConfigKeys.LogMessageFormatVersion), unsupported: NotYet.MessageFormat);

    public static readonly ConfigKey<long> MessageTimestampAfterMaxMs = Long(
        "message.timestamp.after.max.ms", long.MaxValue, AtLeast(0), Medium,
        "How far a sender's timestamp may be ahead of the broker's clock, in ms.",
        broker: SynonymChains.Of(ConfigKeys.LogMessageTimestampAfterMaxMs));

    public static readonly ConfigKey<long> MessageTimestampBeforeMaxMs = Long(
        "message.timestamp.before.max.ms", long.MaxValue, AtLeast(0), Medium,
        "How far a sender's timestamp may be behind the broker's clock, in ms.",
        broker: SynonymChains.Of(ConfigKeys.LogMessageTimestampBeforeMaxMs));

    public static readonly ConfigKey<long> MessageTimestampDifferenceMaxMs = Long(
        "message.timestamp.difference.max.ms", long.MaxValue, AtLeast(0), Medium,
        "Older key for both directions at once; the two newer ones come before it.",
        broker: SynonymChains.Of(ConfigKeys.LogMessageTimestampDifferenceMaxMs));

    public static readonly ConfigKey<string> MessageTimestampType = Text(
        "message.timestamp.type", "CreateTime", OneOf("CreateTime", "LogAppendTime"), Medium,
        "Whether a record's timestamp is the sender's or the time of the append.",
        broker: SynonymChains.Of(ConfigKeys.LogMessageTimestampType));

    public static readonly ConfigKey<double> MinCleanableDirtyRatio = Double(
        "min.cleanable.dirty.ratio", 0.5, Between(0, 1), Medium,
        "Share of a log that must be uncompacted before it is compacted.",
        broker: SynonymChains.Of(ConfigKeys.LogCleanerMinCleanableRatio));

    public static readonly ConfigKey<long> MinCompactionLagMs = Long(
        "min.compaction.lag.ms", 0, AtLeast(0), Medium,
        "Age that a record must have before it may be compacted away, in ms.",
        broker: SynonymChains.Of(ConfigKeys.LogCleanerMinCompactionLagMs));

    public static readonly ConfigKey<int> MinInsyncReplicas = Int(
        "min.insync.replicas", 1, AtLeast(1), Medium,
        "Replicas that must be in sync for a write with acks=all.",
        broker: SynonymChains.Of(ConfigKeys.MinInsyncReplicas));

    public static readonly ConfigKey<bool> Preallocate = Bool(
        "preallocate", false, Medium,
        "Give a segment's file its whole size when it begins; what is not used is cut off when the segment ends.",
        broker: SynonymChains.Of(ConfigKeys.LogPreallocate));

    public static readonly ConfigKey<bool> RemoteLogCopyDisable = Bool(
        "remote.log.copy.disable", false, Medium,
        "Stop copying segments out.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<bool> RemoteLogDeleteOnDisable = Bool(
        "remote.log.delete.on.disable", false, Medium,
        "Delete remote segments when remote storage is turned off.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<bool> RemoteStorageEnable = Bool(
        "remote.storage.enable", false, Medium,
        "Keep old segments in remote storage.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<long> RetentionBytes = Long(
        "retention.bytes", -1, Any, Medium,
        "Size of a partition beyond which its oldest segments are deleted, in bytes; -1 means no limit.",
        broker: SynonymChains.Of(ConfigKeys.LogRetentionBytes));

    public static readonly ConfigKey<long> RetentionMs = Long(
        "retention.ms", 604800000, AtLeast(-1), Medium,
        "Age after which closed segments are deleted, in ms; -1 keeps them.",
        broker: SynonymChains.Of(ConfigKeys.LogRetentionMs));

    public static readonly ConfigKey<int> SegmentBytes = Int(
        "segment.bytes", 1073741824, AtLeast(14), Medium,
        "Size at which a segment is closed and the next one begins, in bytes.",
        broker: SynonymChains.Of(ConfigKeys.LogSegmentBytes));

    public static readonly ConfigKey<int> SegmentIndexBytes = Int(
        "segment.index.bytes", 10485760, AtLeast(4), Medium,
        "Largest offset index of a segment, in bytes.",
        broker: SynonymChains.Of(ConfigKeys.LogIndexSizeMaxBytes));

    public static readonly ConfigKey<long> SegmentJitterMs = Long(
        "segment.jitter.ms", 0, AtLeast(0), Medium,
        "Random time taken off the age of closing, so that not all segments close at once, in ms.",
        broker: SynonymChains.Of(ConfigKeys.LogRollJitterMs));

    public static readonly ConfigKey<long> SegmentMs = Long(
        "segment.ms", 604800000, AtLeast(1), Medium,
        "Age at which a segment is closed even if it is small, in ms.",
        broker: SynonymChains.Of(ConfigKeys.LogRollMs));

    public static readonly ConfigKey<bool> UncleanLeaderElectionEnable = Bool(
        "unclean.leader.election.enable", false, Medium,
        "Let a replica that lags become leader when no other is left, at the price of lost records.",
        broker: SynonymChains.Of(ConfigKeys.UncleanLeaderElectionEnable));
}
