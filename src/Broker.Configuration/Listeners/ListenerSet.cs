namespace Broker.Configuration;

/// <summary>The listeners of a broker as the keys together describe them. Immutable.</summary>
internal sealed record ListenerSet(IReadOnlyList<ListenerEndpoint> Bound, IReadOnlyList<ListenerEndpoint> Advertised, string InterBrokerName);
