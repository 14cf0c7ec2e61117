using Broker.Protocol;

namespace Broker.Storage;

/// <summary>A range of one segment's file. Length 0: nothing below the upper bound. The handle outlives the segment's deletion by file.delete.delay.ms.</summary>
public readonly record struct ReadResult(ErrorCode Error, FileSlice Slice);
