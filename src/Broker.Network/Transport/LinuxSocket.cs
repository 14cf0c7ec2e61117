using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Broker.Network;

/// <summary>
/// The calls that System.Net.Sockets does not offer: receive and send what is possible right now, with "more follows", and send a range of a file.
/// Each returns a byte count, or the negated errno.
/// </summary>
internal static partial class LinuxSocket
{
    public const int TryAgain = -11;
    public const int Interrupted = -4;
    public const int InvalidArgument = -22;
    public const int NotImplemented = -38;
    public const int NotSupported = -95;

    private const int MessageDontWait = 0x40;
    private const int MessageNoSignal = 0x4000;
    private const int MessageMore = 0x8000;

    // off_t is a long only in 64-bit processes.
    public static bool IsSupported { get; } = OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    public static unsafe int Receive(SafeSocketHandle socket, Span<byte> destination)
    {
        fixed (byte* bytes = destination)
        {
            nint count = Receive(socket, bytes, (nuint)destination.Length, MessageDontWait);
            return count < 0 ? -Marshal.GetLastPInvokeError() : (int)count;
        }
    }

    public static unsafe int Send(SafeSocketHandle socket, ReadOnlySpan<byte> source, bool moreFollows)
    {
        fixed (byte* bytes = source)
        {
            nint count = Send(socket, bytes, (nuint)source.Length, MessageDontWait | MessageNoSignal | (moreFollows ? MessageMore : 0));
            return count < 0 ? -Marshal.GetLastPInvokeError() : (int)count;
        }
    }

    /// <summary>The socket must be non-blocking: sendfile has no flag for it.</summary>
    public static int SendFile(SafeSocketHandle socket, SafeFileHandle file, long position, int maxBytes)
    {
        nint count = SendFile(socket, file, ref position, (nuint)maxBytes);
        return count < 0 ? -Marshal.GetLastPInvokeError() : (int)count;
    }

    public static IOException Failure(string call, int negatedErrno) =>
        new($"{call} failed: {Marshal.GetPInvokeErrorMessage(-negatedErrno)} (errno {-negatedErrno}).");

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static unsafe partial nint Receive(SafeSocketHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static unsafe partial nint Send(SafeSocketHandle socket, byte* buffer, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "sendfile", SetLastError = true)]
    private static partial nint SendFile(SafeSocketHandle socket, SafeFileHandle file, ref long offset, nuint count);
}
