namespace Broker.Protocol;

/// <summary>Bytes from a peer that do not follow the protocol. The connection they came on cannot be trusted further.</summary>
public sealed class ProtocolException(string message) : Exception(message);
