namespace Broker.Network;

/// <summary>A file is shorter than the range that a response promised.</summary>
internal sealed class FileRangeException(long position, int missingBytes)
    : Exception($"The file ends at {position}, {missingBytes} bytes before the end of the range that the response promised.");
