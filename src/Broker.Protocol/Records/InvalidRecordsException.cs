namespace Broker.Protocol.Records;

/// <summary>Record bytes that contradict themselves: a length, count, checksum or compressed stream that cannot be right.</summary>
public sealed class InvalidRecordsException : Exception
{
    public InvalidRecordsException(string message)
        : base(message)
    {
    }

    public InvalidRecordsException(string message, Exception cause)
        : base(message, cause)
    {
    }

    /// <summary>The bytes were damaged on their way: sending them again may help.</summary>
    public bool IsChecksumMismatch { get; init; }
}
