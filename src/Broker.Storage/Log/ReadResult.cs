using Broker.Protocol;

namespace Broker.Storage;

/// <summary>
/// A range of one segment's file. Length 0: nothing below the upper bound. The handle outlives the segment's deletion by file.delete.delay.ms.
/// All offsets in it are below <paramref name="EndOffset"/>, which may be a little behind the last one.
/// </summary>
public readonly record struct ReadResult(ErrorCode Error, FileSlice Slice, long EndOffset = long.MaxValue);
