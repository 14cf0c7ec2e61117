namespace Broker.Cluster;

/// <summary>Whether a session can reach its store. The last two are final.</summary>
public enum TreeConnection
{
    Connected,

    /// <summary>The store cannot be reached now. The session may live on or may be over already: only the store knows.</summary>
    Disconnected,

    /// <summary>The store ended the session: its ephemeral nodes are gone. Also when the store does not take this session's credentials any more.</summary>
    Expired,

    /// <summary>The instance was disposed.</summary>
    Closed,
}
