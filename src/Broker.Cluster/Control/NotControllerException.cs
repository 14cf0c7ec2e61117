namespace Broker.Cluster;

/// <summary>Asked of a broker that is not the controller (any more).</summary>
public sealed class NotControllerException() : Exception("This is not the correct controller for this cluster.");
