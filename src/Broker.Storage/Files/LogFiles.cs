using System.IO.Enumeration;
using Broker.Protocol;
using Microsoft.Win32.SafeHandles;

namespace Broker.Storage;

/// <summary>
/// The one seam to the file system: every file operation of this project goes through it, so that a test can fail, delay or lose any of them.
/// The base class is the real disk. Failures surface as <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>; want of room, of operations that
/// make or extend something, as <see cref="DiskFullException"/>.
/// Stateless and thread-safe.
/// </summary>
internal class LogFiles
{
    private static readonly EnumerationOptions EveryName = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    public static LogFiles Disk { get; } = new();

    /// <summary>Opens for reading and writing; a missing file is made when <paramref name="create"/> is set.</summary>
    public virtual SafeFileHandle Open(string path, bool create)
    {
        try
        {
            return File.OpenHandle(path, create ? FileMode.OpenOrCreate : FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (IOException e) when (create && DiskFullException.IsReasonOf(e))
        {
            throw new DiskFullException(e);
        }
    }

    /// <summary>Reads until the buffer is full or the file ends.</summary>
    public virtual int Read(SafeFileHandle file, Span<byte> buffer, long position) => new FileSlice(file, position, buffer.Length).CopyTo(buffer);

    /// <summary>Whether a read of the byte would not wait for the disk.</summary>
    public virtual bool IsCached(SafeFileHandle file, long position) => new FileSlice(file, position, 1).IsCached;

    /// <summary>Without room for all of it a part may have been written.</summary>
    public virtual void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long position)
    {
        try
        {
            RandomAccess.Write(file, bytes, position);
        }
        catch (IOException e) when (DiskFullException.IsReasonOf(e))
        {
            throw new DiskFullException(e);
        }
    }

    public virtual void SetLength(SafeFileHandle file, long length)
    {
        try
        {
            RandomAccess.SetLength(file, length);
        }
        catch (IOException e) when (DiskFullException.IsReasonOf(e))
        {
            throw new DiskFullException(e);
        }
    }

    public virtual long Length(SafeFileHandle file) => RandomAccess.GetLength(file);

    public virtual void Flush(SafeFileHandle file) => RandomAccess.FlushToDisk(file);

    public virtual byte[] ReadAll(string path) => File.ReadAllBytes(path);

    public virtual bool Exists(string path) => File.Exists(path);

    /// <summary>Needs room when the directory has none for another name; then nothing was renamed.</summary>
    public virtual void Move(string from, string to)
    {
        try
        {
            File.Move(from, to, overwrite: true);
        }
        catch (IOException e) when (DiskFullException.IsReasonOf(e))
        {
            throw new DiskFullException(e);
        }
    }

    public virtual void Delete(string path) => File.Delete(path);

    public virtual void CreateDirectory(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (IOException e) when (DiskFullException.IsReasonOf(e))
        {
            throw new DiskFullException(e);
        }
    }

    public virtual void MoveDirectory(string from, string to)
    {
        try
        {
            Directory.Move(from, to);
        }
        catch (IOException e) when (DiskFullException.IsReasonOf(e))
        {
            throw new DiskFullException(e);
        }
    }

    public virtual void DeleteDirectory(string path) => Directory.Delete(path, recursive: true);

    /// <summary>Whether <see cref="DeleteDirectory"/> failed because somebody made a file there meanwhile: ENOTEMPTY of Linux and macOS, ERROR_DIR_NOT_EMPTY of Windows.</summary>
    public static bool IsNotEmpty(IOException e) => (OperatingSystem.IsWindows(), e.HResult) is (true, unchecked((int)0x80070091)) or (false, 39) or (false, 66);

    public virtual IReadOnlyList<FileEntry> List(string directory) => [.. new FileSystemEnumerable<FileEntry>(directory, ToEntry, EveryName)];

    public virtual DateTime LastWriteUtc(string path) => File.GetLastWriteTimeUtc(path);

    public virtual void SetLastWriteUtc(string path, DateTime time) => File.SetLastWriteTimeUtc(path, time);

    /// <summary>Makes created, renamed and deleted names of a directory durable.</summary>
    public virtual void FlushDirectory(string path) => DirectorySync.Flush(path);

    /// <summary>
    /// Makes everything written to the file system of a directory durable in one go, which is far cheaper than thousands of single flushes. False: not possible here.
    /// A write error that the system noticed earlier may go unreported; files whose loss matters are flushed one by one as well.
    /// </summary>
    public virtual bool FlushFileSystem(string path) => DirectorySync.FlushFileSystem(path);

    /// <summary>Size of the file system that holds the path and the bytes an unprivileged process may still use; -1 when unknown.</summary>
    public virtual (long TotalBytes, long UsableBytes) Space(string path)
    {
        try
        {
            DriveInfo drive = new(path);
            return (drive.TotalSize, drive.AvailableFreeSpace);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return (-1, -1);
        }
    }

    /// <summary>Takes the lock file against other processes until it is disposed. <see cref="IOException"/>: somebody else has it.</summary>
    public virtual IDisposable Lock(string path)
    {
        FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        try
        {
            if (OperatingSystem.IsLinux() || OperatingSystem.IsWindows())
            {
                file.Lock(0, long.MaxValue);
            }

            return file;
        }
        catch (IOException)
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Replaces a small file as a whole: a reader, or a start after a crash, sees the old bytes or the new ones.</summary>
    public virtual void Replace(string path, ReadOnlySpan<byte> bytes, bool durable)
    {
        string temporary = path + ".tmp";
        try
        {
            using (SafeFileHandle file = Open(temporary, create: true))
            {
                SetLength(file, 0);
                Write(file, bytes, 0);
                if (durable)
                {
                    Flush(file);
                }
            }

            Move(temporary, path);
        }
        catch (DiskFullException) when (Exists(temporary))
        {
            // What little it holds is room as well.
            Delete(temporary);
            throw;
        }

        if (durable)
        {
            FlushDirectory(Path.GetDirectoryName(path)!);
        }
    }

    private static FileEntry ToEntry(ref FileSystemEntry entry)
    {
        bool isLog = !entry.IsDirectory && entry.FileName.EndsWith(LogFileNames.Log, StringComparison.Ordinal);
        return new FileEntry(entry.FileName.ToString(), entry.IsDirectory, isLog ? entry.Length : 0);
    }
}
