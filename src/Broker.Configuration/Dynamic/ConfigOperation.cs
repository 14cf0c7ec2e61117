namespace Broker.Configuration;

/// <summary>One entry of IncrementalAlterConfigs. The operation numbers are those on the wire.</summary>
public readonly record struct ConfigOperation(string Name, ConfigOperationType Type, string? Value);
