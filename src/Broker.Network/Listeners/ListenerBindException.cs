namespace Broker.Network;

/// <summary>A listener could not be bound; the message names the address, the cause and what to do.</summary>
public sealed class ListenerBindException(string message, Exception? cause = null) : Exception(message, cause);
