namespace Broker.Configuration;

/// <summary>A value that stands behind an effective one, strongest first. Null for secrets.</summary>
public readonly record struct ConfigSynonym(string Name, string? Value, ConfigSource Source);
