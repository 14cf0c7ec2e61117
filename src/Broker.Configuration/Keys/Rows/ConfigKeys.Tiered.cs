using static Broker.Configuration.ConfigImportance;
using static Broker.Configuration.ConfigRange;
using static Broker.Configuration.ConfigScope;

namespace Broker.Configuration;

// Tiered storage.
public static partial class ConfigKeys
{
    public static readonly ConfigKey<bool> RemoteLogStorageSystemEnable = Bool(
        "remote.log.storage.system.enable", false, Medium, ReadOnly,
        "Keep old segments in remote storage.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<string?> RemoteLogStorageManagerClassName = TextOrNone(
        "remote.log.storage.manager.class.name", NonEmpty, Medium, ReadOnly,
        "Java class of the remote storage.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<string?> RemoteLogStorageManagerClassPath = TextOrNone(
        "remote.log.storage.manager.class.path", Any, Medium, ReadOnly,
        "Class path of that class.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<string> RemoteLogStorageManagerImplPrefix = Text(
        "remote.log.storage.manager.impl.prefix", "rsm.config.", NonEmpty, Medium, ReadOnly,
        "Prefix of the keys for that class.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<string> RemoteLogMetadataManagerClassName = Text(
        "remote.log.metadata.manager.class.name", "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager", NonEmpty, Medium, ReadOnly,
        "Java class that keeps the metadata of remote segments.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<string?> RemoteLogMetadataManagerClassPath = TextOrNone(
        "remote.log.metadata.manager.class.path", Any, Medium, ReadOnly,
        "Class path of that class.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<string> RemoteLogMetadataManagerImplPrefix = Text(
        "remote.log.metadata.manager.impl.prefix", "rlmm.config.", NonEmpty, Medium, ReadOnly,
        "Prefix of the keys for that class.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<string?> RemoteLogMetadataManagerListenerName = TextOrNone(
        "remote.log.metadata.manager.listener.name", NonEmpty, Medium, ReadOnly,
        "Listener by which that class reaches the broker.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<int> RemoteLogMetadataCustomMetadataMaxBytes = Int(
        "remote.log.metadata.custom.metadata.max.bytes", 128, AtLeast(0), Low, ReadOnly,
        "Largest custom metadata of a remote segment, in bytes.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<long> RemoteLogIndexFileCacheTotalSizeBytes = Long(
        "remote.log.index.file.cache.total.size.bytes", 1073741824, AtLeast(1), Low, ClusterWide,
        "Size of the cache of remote index files, in bytes.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<int> RemoteLogManagerThreadPoolSize = Int(
        "remote.log.manager.thread.pool.size", 10, AtLeast(1), Medium, ReadOnly,
        "Threads for remote segments.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<int> RemoteLogManagerCopierThreadPoolSize = Int(
        "remote.log.manager.copier.thread.pool.size", -1, MinusOneOrPositive, Medium, ReadOnly,
        "Threads that copy segments out; -1 means remote.log.manager.thread.pool.size.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<int> RemoteLogManagerExpirationThreadPoolSize = Int(
        "remote.log.manager.expiration.thread.pool.size", -1, MinusOneOrPositive, Medium, ReadOnly,
        "Threads that delete remote segments; -1 means remote.log.manager.thread.pool.size.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<long> RemoteLogManagerTaskIntervalMs = Long(
        "remote.log.manager.task.interval.ms", 30000, AtLeast(1), Low, ReadOnly,
        "Time between rounds of copying and deleting, in ms.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<long> RemoteLogManagerCopyMaxBytesPerSecond = Long(
        "remote.log.manager.copy.max.bytes.per.second", long.MaxValue, AtLeast(1), Medium, ClusterWide,
        "Bytes copied out per second at most.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<int> RemoteLogManagerCopyQuotaWindowNum = Int(
        "remote.log.manager.copy.quota.window.num", 11, AtLeast(1), Medium, ReadOnly,
        "Windows over which the copy rate is measured.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<int> RemoteLogManagerCopyQuotaWindowSizeSeconds = Int(
        "remote.log.manager.copy.quota.window.size.seconds", 1, AtLeast(1), Medium, ReadOnly,
        "Length of such a window, in s.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<long> RemoteLogManagerFetchMaxBytesPerSecond = Long(
        "remote.log.manager.fetch.max.bytes.per.second", long.MaxValue, AtLeast(1), Medium, ClusterWide,
        "Bytes read back per second at most.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<int> RemoteLogManagerFetchQuotaWindowNum = Int(
        "remote.log.manager.fetch.quota.window.num", 11, AtLeast(1), Medium, ReadOnly,
        "Windows over which the read rate is measured.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<int> RemoteLogManagerFetchQuotaWindowSizeSeconds = Int(
        "remote.log.manager.fetch.quota.window.size.seconds", 1, AtLeast(1), Medium, ReadOnly,
        "Length of such a window, in s.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<int> RemoteLogReaderThreads = Int(
        "remote.log.reader.threads", 10, AtLeast(1), Medium, ReadOnly,
        "Threads that read remote segments.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<int> RemoteLogReaderMaxPendingTasks = Int(
        "remote.log.reader.max.pending.tasks", 100, AtLeast(1), Medium, ReadOnly,
        "Remote reads that may wait.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<int> RemoteFetchMaxWaitMs = Int(
        "remote.fetch.max.wait.ms", 500, AtLeast(1), Medium, ClusterWide,
        "Longest wait of a fetch for a remote read, in ms.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<long> LogLocalRetentionMs = Long(
        "log.local.retention.ms", -2, AtLeast(-2), Medium, ClusterWide,
        "Age up to which segments stay on this disk as well, in ms; -2 means the retention.",
        unsupported: NotYet.TieredStorage);

    public static readonly ConfigKey<long> LogLocalRetentionBytes = Long(
        "log.local.retention.bytes", -2, AtLeast(-2), Medium, ClusterWide,
        "Size up to which segments stay on this disk as well, in bytes; -2 means the retention.",
        unsupported: NotYet.TieredStorage);
}
