using Microsoft.Win32.SafeHandles;

namespace Broker.Protocol;

/// <summary>A range of a file, usually of a log segment. The sender holds a reference to the handle while it sends.</summary>
/// <param name="File">Open for reading.</param>
/// <param name="Position">First byte.</param>
/// <param name="Length">Number of bytes; 0 for nothing.</param>
public readonly record struct FileSlice(SafeFileHandle File, long Position, int Length)
{
    /// <summary>
    /// Whether the range can be read without waiting for a disk, as far as its last byte tells: whoever found the range has just read its beginning. True where the
    /// system cannot say.
    /// </summary>
    public bool IsCached => Length == 0 || PageCache.Holds(File, Position + Length - 1);

    /// <summary>Reads the range from its beginning, as much as fits; blocks on the disk. Answers the bytes read: fewer only where the file ends.</summary>
    public int CopyTo(Span<byte> destination)
    {
        int wanted = Math.Min(Length, destination.Length);
        int copied = 0;
        while (copied < wanted)
        {
            int read = RandomAccess.Read(File, destination[copied..wanted], Position + copied);
            if (read == 0)
            {
                break;
            }

            copied += read;
        }

        return copied;
    }
}

/// <summary>A file range that belongs into a frame right before the byte at <paramref name="BufferPosition"/> of its buffer.</summary>
public readonly record struct FileAttachment(int BufferPosition, FileSlice Slice);
