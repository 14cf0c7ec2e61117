namespace Broker.Configuration;

/// <summary>How likely it is that somebody has to care about a key.</summary>
public enum ConfigImportance
{
    High,
    Medium,
    Low,
}
