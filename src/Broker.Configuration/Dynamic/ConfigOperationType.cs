namespace Broker.Configuration;

/// <summary>What IncrementalAlterConfigs does to a key.</summary>
public enum ConfigOperationType : sbyte
{
    Set = 0,
    Delete = 1,
    Append = 2,
    Subtract = 3,
}
