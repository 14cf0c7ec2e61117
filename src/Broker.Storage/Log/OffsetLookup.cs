namespace Broker.Storage;

/// <summary>A record found by its timestamp. LeaderEpoch is -1 when the batch carries none.</summary>
public readonly record struct OffsetLookup(long Offset, long TimestampMs, int LeaderEpoch);
