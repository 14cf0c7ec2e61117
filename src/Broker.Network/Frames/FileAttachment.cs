using Microsoft.Win32.SafeHandles;

namespace Broker.Network;

/// <summary>A range of a file that goes to the socket without passing through managed memory.</summary>
public readonly record struct FileSlice(SafeFileHandle File, long Position, int Length);

/// <summary>A file range whose bytes go on the wire before the byte at <see cref="BufferPosition"/> of the response buffer.</summary>
public readonly record struct FileAttachment(int BufferPosition, FileSlice Slice);
