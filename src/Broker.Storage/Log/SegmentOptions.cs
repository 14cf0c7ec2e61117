namespace Broker.Storage;

/// <summary>What a segment is made with.</summary>
/// <param name="IndexIntervalBytes">index.interval.bytes.</param>
/// <param name="CreatedMs">When this process made or opened it; rolling by time starts here for records without timestamps.</param>
/// <param name="RollJitterMs">Random part of segment.jitter.ms, so that segments of many partitions do not roll together.</param>
/// <param name="PreallocateBytes">Size of a new file, with preallocate; else 0.</param>
internal readonly record struct SegmentOptions(int IndexIntervalBytes, long CreatedMs, long RollJitterMs, int PreallocateBytes);
