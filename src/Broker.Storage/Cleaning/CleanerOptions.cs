namespace Broker.Storage;

/// <summary>How compaction works, as configured at the moment. Defaults are Kafka's.</summary>
public sealed record CleanerOptions
{
    /// <summary>log.cleaner.enable; looked at once, at start.</summary>
    public bool IsEnabled { get; init; } = true;

    /// <summary>log.cleaner.threads: logs cleaned at the same time.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>log.cleaner.dedupe.buffer.size: the most that the maps of all threads may take together.</summary>
    public long DedupeBufferBytes { get; init; } = 128 * 1024 * 1024;

    /// <summary>log.cleaner.io.buffer.load.factor: share of a map that is filled.</summary>
    public double LoadFactor { get; init; } = 0.9;

    /// <summary>log.cleaner.io.buffer.size: buffers for reading and writing of all threads together. A larger batch gets a larger buffer while it is looked at.</summary>
    public int IoBufferBytes { get; init; } = 512 * 1024;

    /// <summary>log.cleaner.io.max.bytes.per.second: read and written by all threads together.</summary>
    public double MaxBytesPerSecond { get; init; } = double.MaxValue;

    /// <summary>log.cleaner.backoff.ms: pause of a thread that finds nothing to clean.</summary>
    public long BackoffMs { get; init; } = 15_000;
}
