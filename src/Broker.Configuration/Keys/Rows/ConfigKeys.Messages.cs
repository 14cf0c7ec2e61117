using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// What records may look like.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<int> MessageMaxBytes = Int(
        "message.max.bytes", 1048588, AtLeast(0), High, ClusterWide,
        "Largest record batch that is taken, in bytes as sent (compressed).");

    public static readonly ConfigKey<string> CompressionType = Text(
        "compression.type", "producer", OneOf("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"), High, ClusterWide,
        "Codec in which batches are kept; producer keeps what was sent.");

    public static readonly ConfigKey<int> CompressionGzipLevel = Int(
        "compression.gzip.level", -1, GzipLevel, Medium, ClusterWide,
        "Level when batches are compressed with gzip; -1 is the codec's own default.");

    public static readonly ConfigKey<int> CompressionLz4Level = Int(
        "compression.lz4.level", 9, Between(1, 17), Medium, ClusterWide,
        "Level when batches are compressed with lz4.");

    public static readonly ConfigKey<int> CompressionZstdLevel = Int(
        "compression.zstd.level", 3, Between(-131072, 22), Medium, ClusterWide,
        "Level when batches are compressed with zstd.");

    public static readonly ConfigKey<string> LogMessageTimestampType = Text(
        "log.message.timestamp.type", "CreateTime", OneOf("CreateTime", "LogAppendTime"), Medium, ClusterWide,
        "Whether a record's timestamp is the sender's or the time of the append.");

    public static readonly ConfigKey<long> LogMessageTimestampBeforeMaxMs = Long(
        "log.message.timestamp.before.max.ms", long.MaxValue, AtLeast(0), Medium, ClusterWide,
        "How far a sender's timestamp may be behind the broker's clock, in ms.");

    public static readonly ConfigKey<long> LogMessageTimestampAfterMaxMs = Long(
        "log.message.timestamp.after.max.ms", long.MaxValue, AtLeast(0), Medium, ClusterWide,
        "How far a sender's timestamp may be ahead of the broker's clock, in ms.");

    public static readonly ConfigKey<long> LogMessageTimestampDifferenceMaxMs = Long(
        "log.message.timestamp.difference.max.ms", long.MaxValue, AtLeast(0), Medium, ClusterWide,
        "Older key for both directions at once; the two newer ones come before it.");

    public static readonly ConfigKey<string> LogMessageFormatVersion = Text(
        "log.message.format.version", "3.0-IV1", ReleaseVersion, Medium, ReadOnly,
        "Format in which records were kept by old versions.",
        unsupported: NotYet.MessageFormat);

    public static readonly ConfigKey<bool> LogMessageDownconversionEnable = Bool(
        "log.message.downconversion.enable", true, Low, ClusterWide,
        "Convert record batches for consumers that know only older formats; otherwise they get UNSUPPORTED_VERSION.");
}
