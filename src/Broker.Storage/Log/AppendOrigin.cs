namespace Broker.Storage;

/// <summary>Who appends: decides which checks apply.</summary>
public enum AppendOrigin
{
    /// <summary>A producer: everything is checked.</summary>
    Client,

    /// <summary>A coordinator of this broker: sequences are not checked.</summary>
    Coordinator,

    /// <summary>A copy of another leader's log: what it holds was checked there.</summary>
    Replication,
}
