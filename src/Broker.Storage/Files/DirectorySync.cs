using System.Runtime.InteropServices;

namespace Broker.Storage;

/// <summary>fsync of a directory and syncfs, which the framework does not offer. Systems that cannot do it are left alone, as Kafka does on Windows.</summary>
internal static partial class DirectorySync
{
    private const int ReadOnly = 0;
    private const int NoSuchEntry = 2;

    public static void Flush(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        int descriptor = Open(path, ReadOnly);
        if (descriptor < 0)
        {
            int error = Marshal.GetLastPInvokeError();
            string message = $"Cannot open directory {path} to flush it: error {error}.";
            throw error == NoSuchEntry ? new DirectoryNotFoundException(message) : new IOException(message);
        }

        try
        {
            if (Fsync(descriptor) != 0)
            {
                throw new IOException($"Cannot flush directory {path}: error {Marshal.GetLastPInvokeError()}.");
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    public static bool FlushFileSystem(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return false;
        }

        int descriptor = Open(path, ReadOnly);
        if (descriptor < 0)
        {
            throw new IOException($"Cannot open directory {path} to flush its file system: error {Marshal.GetLastPInvokeError()}.");
        }

        try
        {
            return SyncFileSystem(descriptor) == 0
                ? true
                : throw new IOException($"Cannot flush the file system of {path}: error {Marshal.GetLastPInvokeError()}.");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    [LibraryImport("libc", EntryPoint = "syncfs", SetLastError = true)]
    private static partial int SyncFileSystem(int descriptor);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Fsync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
