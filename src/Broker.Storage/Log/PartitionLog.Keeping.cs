using System.Globalization;
using Broker.Configuration;

namespace Broker.Storage;

public sealed partial class PartitionLog
{
    /// <summary>Offsets, size, and why the oldest records are still there, in one line for people.</summary>
    /// <exception cref="IOException">The time index of the oldest segment cannot be read.</exception>
    public string Describe(long nowMs)
    {
        lock (_lock)
        {
            return $"{TopicPartition}: offsets {LogStartOffset} to {LogEndOffset} (high watermark {HighWatermark}), {SizeInBytes} bytes in {_segments.Length} segments; kept because: {WhyKept(nowMs)}";
        }
    }

    /// <summary>
    /// Why the oldest records of the partition are still there, for people: the rule that keeps them, with its values, and when it will let them go if that is known. Reads the time index
    /// of the oldest segment if it is not in memory.
    /// </summary>
    /// <exception cref="IOException">The index cannot be read.</exception>
    public string WhyKept(long nowMs)
    {
        lock (_lock)
        {
            return IsOffline ? "the log directory is offline" : WhyKept(_segments, _config, nowMs);
        }
    }

    private string WhyKept(LogSegment[] segments, TopicConfig config, long nowMs)
    {
        LogSegment oldest = segments[0];
        bool isActive = segments.Length == 1;
        if (isActive && oldest.Size == 0)
        {
            return "there are no records";
        }

        if (!config.IsDeleted)
        {
            return "cleanup.policy is compact: records go when a newer one with their key is cleaned, see min.cleanable.dirty.ratio and max.compaction.lag.ms";
        }

        long end = isActive ? _logEndOffset : segments[1].BaseOffset;
        if (_highWatermark < end)
        {
            return $"the segment of offset {oldest.BaseOffset} reaches to offset {end - 1}, but only what lies below the high watermark {_highWatermark} may go: replicas are behind";
        }

        // The next check deletes what exceeds a limit already.
        return WhyExpired(oldest, SizeInBytes, config, nowMs) is { } reason
            ? $"the next check (log.retention.check.interval.ms) deletes the segment of offset {oldest.BaseOffset}: {reason}"
            : string.Join("; ", Limits(oldest, config));
    }

    private IEnumerable<string> Limits(LogSegment oldest, TopicConfig config)
    {
        yield return config.RetentionMs < 0
            ? "retention.ms is -1: no record is too old"
            : $"a segment goes as a whole when its newest record is older than retention.ms={config.RetentionMs}: that of offset {oldest.BaseOffset} after {Moment(oldest.LargestTimestampMs, config.RetentionMs)}";
        yield return config.RetentionBytes < 0
            ? "retention.bytes is -1: the log is never too large"
            : $"the log without that segment has {SizeInBytes - oldest.Size} bytes, and retention.bytes={config.RetentionBytes} have to stay";
    }

    private static string Moment(long timestampMs, long retentionMs)
    {
        // A producer may have sent any timestamp.
        const long LastMs = 253_402_300_799_999;
        long at = timestampMs > LastMs - Math.Min(retentionMs, LastMs) ? LastMs : Math.Max(0, timestampMs + retentionMs);
        return DateTimeOffset.FromUnixTimeMilliseconds(at).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
    }
}
