using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Broker.Protocol;

/// <summary>Asks the system whether bytes of a file are in memory (preadv2 with RWF_NOWAIT), so that threads which must not wait for a disk can leave that to others.</summary>
internal static partial class PageCache
{
    private const int TryAgain = 11;
    private const int ReadNoWait = 0x8;

    // off_t is a long only in 64-bit processes.
    private static readonly bool IsSupported = OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    /// <summary>True as well behind the file's end, and where the system or the file system cannot say.</summary>
    public static unsafe bool Holds(SafeFileHandle file, long position)
    {
        byte sample;
        var vector = new IoVector { Start = &sample, Length = 1 };
        return !IsSupported || ReadNow(file, &vector, 1, position, ReadNoWait) >= 0 || Marshal.GetLastPInvokeError() != TryAgain;
    }

    [LibraryImport("libc", EntryPoint = "preadv2", SetLastError = true)]
    private static unsafe partial nint ReadNow(SafeFileHandle file, IoVector* vectors, int count, long offset, int flags);

    private unsafe struct IoVector
    {
        public byte* Start;
        public nuint Length;
    }
}
