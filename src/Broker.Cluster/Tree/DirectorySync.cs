using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Broker.Cluster;

/// <summary>Makes a rename durable: on Unix the directory itself has to be synced, which .NET has no call for.</summary>
internal static partial class DirectorySync
{
    public static void Flush(string directory)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using SafeFileHandle handle = Open(directory, 0);
        if (handle.IsInvalid || FSync(handle) != 0)
        {
            throw new IOException($"Cannot sync directory {directory}: errno {Marshal.GetLastPInvokeError()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(SafeFileHandle file);
}
