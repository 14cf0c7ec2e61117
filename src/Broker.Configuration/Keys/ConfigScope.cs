namespace Broker.Configuration;

/// <summary>Whether and at which level a broker key can change while the broker runs.</summary>
public enum ConfigScope
{
    /// <summary>Only at start.</summary>
    ReadOnly,

    /// <summary>For one broker at a time.</summary>
    PerBroker,

    /// <summary>For one broker or as the default of the whole cluster.</summary>
    ClusterWide,
}
