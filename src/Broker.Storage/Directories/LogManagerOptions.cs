using Broker.Configuration;

namespace Broker.Storage;

/// <summary>What <see cref="LogManager"/> needs to know, resolved from the configuration by the caller. Defaults are Kafka 3.9's.</summary>
public sealed record LogManagerOptions
{
    private static readonly CleanerOptions DefaultCleaner = new();
    private static readonly MoveOptions DefaultMoves = new();

    /// <summary>log.dirs.</summary>
    public required IReadOnlyList<string> Directories { get; init; }

    public required int BrokerId { get; init; }

    /// <summary>Checked against and written to meta.properties; null: keep what is stored.</summary>
    public string? ClusterId { get; init; }

    /// <summary>The effective config of a topic found on disk.</summary>
    public Func<string, TopicConfig> ConfigOf { get; init; } = static _ => TopicConfig.Default;

    /// <summary>num.recovery.threads.per.data.dir; more than Kafka's 1, because a start after a crash waits for it.</summary>
    public int RecoveryThreadsPerDirectory { get; init; } = 2;

    /// <summary>log.dirs.min.free.bytes; -1 for the automatic reserve.</summary>
    public long MinFreeBytes { get; init; } = -1;

    /// <summary>log.retention.check.interval.ms.</summary>
    public long RetentionCheckIntervalMs { get; init; } = 300_000;

    /// <summary>log.flush.offset.checkpoint.interval.ms, and log start offsets with it.</summary>
    public long OffsetCheckpointIntervalMs { get; init; } = 60_000;

    /// <summary>replica.high.watermark.checkpoint.interval.ms.</summary>
    public long HighWatermarkCheckpointIntervalMs { get; init; } = 5_000;

    /// <summary>producer.id.expiration.ms.</summary>
    public long ProducerIdExpirationMs { get; init; } = 86_400_000;

    /// <summary>producer.id.expiration.check.interval.ms.</summary>
    public long ProducerIdExpirationCheckIntervalMs { get; init; } = 600_000;

    /// <summary>transaction.partition.verification.enable at the moment: whether transactional batches are only taken with a verification.</summary>
    public Func<bool> VerifiesTransactions { get; init; } = static () => false;

    /// <summary>Compaction, as configured at the moment.</summary>
    public Func<CleanerOptions> Cleaner { get; init; } = static () => DefaultCleaner;

    /// <summary>Moves between directories, as configured at the moment.</summary>
    public Func<MoveOptions> Moves { get; init; } = static () => DefaultMoves;

    /// <summary>False for tests that run what is due themselves, one step after the other.</summary>
    internal bool HasThreads { get; init; } = true;

    /// <summary>For tests.</summary>
    internal Omission Omits { get; init; }

    /// <summary>Sub-directories of a log directory that belong to other parts of the broker.</summary>
    public IReadOnlyCollection<string> ForeignDirectories { get; init; } = [];
}
