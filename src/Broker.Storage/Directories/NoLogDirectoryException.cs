namespace Broker.Storage;

/// <summary>No log directory can take a new partition: none is online, or all that are have no room. It may work later.</summary>
public sealed class NoLogDirectoryException(string message) : Exception(message);
