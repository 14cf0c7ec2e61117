namespace Broker.Storage;

/// <summary>
/// There is no room: ENOSPC or EDQUOT of an operation that makes something or lets it grow. Unlike every other I/O error it says nothing bad about what is on the disk,
/// so the directory stays online. A failed fsync is never this, whatever its code: what was written before it may be lost.
/// </summary>
internal sealed class DiskFullException : IOException
{
    private const int NoSpace = 28;
    private const int QuotaOnLinux = 122;
    private const int QuotaOnMac = 69;
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);

    public DiskFullException(IOException cause)
        : base(cause.Message, cause) => HResult = cause.HResult;

    public DiskFullException(string message)
        : base(message)
    {
    }

    /// <summary>The framework puts the system's error number into HResult.</summary>
    public static bool IsReasonOf(IOException failure) => failure is not DiskFullException && failure.HResult switch
    {
        NoSpace => !OperatingSystem.IsWindows(),
        QuotaOnLinux => OperatingSystem.IsLinux(),
        QuotaOnMac => OperatingSystem.IsMacOS(),
        WindowsDiskFull or WindowsHandleDiskFull => OperatingSystem.IsWindows(),
        _ => false,
    };
}
