namespace Broker.Configuration;

/// <summary>
/// A reason not to start. <paramref name="Reason"/> has Kafka's own words where Kafka has some, so that they can be searched for;
/// <paramref name="Remedy"/> says what to write instead.
/// </summary>
public sealed record ConfigError(string Key, string? Value, string? Origin, string Reason, string Remedy);
