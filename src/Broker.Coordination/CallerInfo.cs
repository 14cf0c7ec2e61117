namespace Broker.Coordination;

/// <summary>Who sent a request, and in which version. <paramref name="ClientHost"/> as Kafka shows it, with the slash in front: "/10.0.0.1".</summary>
public readonly record struct CallerInfo(string ClientId, string ClientHost, short ApiVersion);
