namespace Broker.Protocol.Records;

/// <summary>Records made readable for an old client.</summary>
/// <param name="Error">None, or UnsupportedCompressionType: zstd has no place in old formats.</param>
/// <param name="Records">A message set; empty when no record was left for it.</param>
/// <param name="NextOffset">The offset after the last batch looked at, also when it was left out; -1 when there was no whole batch. An empty result with more
/// log behind it is read on from here.</param>
public readonly record struct DownConversionResult(ErrorCode Error, ReadOnlyMemory<byte> Records, long NextOffset);
