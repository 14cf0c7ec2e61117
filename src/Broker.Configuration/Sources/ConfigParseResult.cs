namespace Broker.Configuration;

/// <summary>What reading the configuration gave: a snapshot, or every error at once. Notices are lines worth a warning in the log.</summary>
public sealed record ConfigParseResult(BrokerConfig? Config, IReadOnlyList<ConfigError> Errors, IReadOnlyList<string> Notices);
