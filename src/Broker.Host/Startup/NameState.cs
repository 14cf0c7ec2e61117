namespace Broker.Host.Startup;

/// <summary>What this machine makes of an advertised name.</summary>
internal enum NameState
{
    /// <summary>It leads back to the machine that asks.</summary>
    Loopback,

    /// <summary>It is an address; nothing has to be resolved.</summary>
    Address,

    Resolves,

    /// <summary>It does not resolve here.</summary>
    Unknown,

    /// <summary>The name server had not answered when the broker was ready.</summary>
    Unanswered,
}
