using Microsoft.Win32.SafeHandles;

namespace Broker.Protocol;

/// <summary>A range of a file, usually of a log segment. The sender holds a reference to the handle while it sends.</summary>
/// <param name="File">Open for reading.</param>
/// <param name="Position">First byte.</param>
/// <param name="Length">Number of bytes; 0 for nothing.</param>
public readonly record struct FileSlice(SafeFileHandle File, long Position, int Length);

/// <summary>A file range that belongs into a frame right before the byte at <paramref name="BufferPosition"/> of its buffer.</summary>
public readonly record struct FileAttachment(int BufferPosition, FileSlice Slice);
