namespace Broker.Storage;

/// <summary>
/// A segment's file holds bytes at which no batch starts that could be there. It comes from outside of this process and says nothing about the directory: the file
/// answers CORRUPT_MESSAGE there, as in Kafka, everything else is served.
/// </summary>
internal sealed class DamagedSegmentException(string path, long position)
    : Exception($"{path} is damaged: no batch that could be there starts at byte {position}");
